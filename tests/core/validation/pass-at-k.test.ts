import { expect, test } from 'vitest';
import { passAtK } from '../../../core/validation/pass-at-k.js';

test('pass@k is one minus the share of choices without a success', () => {
  expect(passAtK(4, 1, 1)).toBeCloseTo(1 / 4, 12);
  expect(passAtK(4, 1, 2)).toBeCloseTo(1 - 3 / 6, 12);
  expect(passAtK(5, 2, 3)).toBeCloseTo(1 - 1 / 10, 12);
  expect(passAtK(10, 3, 4)).toBeCloseTo(1 - 35 / 210, 12);
});

test('without a success it is 0, where every choice must hold one it is 1', () => {
  expect(passAtK(8, 0, 8)).toBe(0);
  expect(passAtK(8, 8, 1)).toBe(1);
  expect(passAtK(8, 5, 4)).toBe(1);
});

test('it counts every choice of k of the samples', () => {
  for (const [n, c, k] of [
    [6, 2, 3],
    [7, 1, 5],
    [5, 3, 2],
  ] as const) {
    const choices = Array.from({ length: 2 ** n }, (_, bits) => bits).filter((bits) => ones(bits) === k);
    const passing = choices.filter((bits) => (bits & (2 ** c - 1)) !== 0);
    expect(passAtK(n, c, k)).toBeCloseTo(passing.length / choices.length, 12);
  }
});

test('thousands of samples do not overflow', () => {
  expect(passAtK(10_000, 1, 5000)).toBeCloseTo(0.5, 10);
});

test('more choices or successes than samples break it', () => {
  expect(() => passAtK(2, 1, 3)).toThrow('pass@3 of 1 right ones among 2');
  expect(() => passAtK(2, 3, 1)).toThrow('pass@1 of 3 right ones among 2');
});

function ones(bits: number): number {
  return bits.toString(2).replaceAll('0', '').length;
}
