import { describe, expect, test } from 'vitest';
import { philox, philoxUniform } from '../../core/philox.js';

describe('philox', () => {
  // kat_vectors of Random123 1.14, philox4x32 with 10 rounds.
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('gives the published words for counter %j', (counter, key, words) => {
    expect(philox(counter, key)).toEqual(words);
  });
});

describe('philoxUniform', () => {
  test('is the first word’s upper 24 bits as a fraction', () => {
    expect(philoxUniform(0, 0)).toBe(0x6627e8 / 2 ** 24);
  });

  test('is uniform over counters and over keys', () => {
    for (const draw of [(i: number) => philoxUniform(5, i), (i: number) => philoxUniform(i, 5)]) {
      const counts = Array<number>(10).fill(0);
      for (let i = 0; i < 20_000; i++) counts[Math.floor(draw(i) * 10)]! += 1;
      // Five standard deviations of a count are 212.
      for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(212);
    }
  });
});
