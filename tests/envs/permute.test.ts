import { describe, expect, it } from 'vitest';
import { permute } from '../../envs/permute.js';

describe('permute', () => {
  it.each([1, 2, 3, 10, 1000, 4096, 8101])('moves [0, %d) onto itself, no place taken twice', (size) => {
    const places = Array.from({ length: size }, (_, i) => permute(i, size, 42));
    expect(new Set(places).size).toBe(size);
    expect(places.every((place) => place >= 0 && place < size)).toBe(true);
  });

  it('is another shuffle for another key and the same for the same', () => {
    const shuffle = (key: number): number[] => Array.from({ length: 100 }, (_, i) => permute(i, 100, key));
    expect(shuffle(1)).toEqual(shuffle(1));
    expect(shuffle(1)).not.toEqual(shuffle(2));
  });

  it('spreads neighbours: the mean distance is that of random places', () => {
    const steps = Array.from({ length: 2000 }, (_, i) => Math.abs(permute(i, 1e6, 3) - permute(i + 1, 1e6, 3)));
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    expect(mean).toBeGreaterThan(310_000);
    expect(mean).toBeLessThan(357_000);
  });

  it('holds for the largest size and refuses what is outside', () => {
    const places = Array.from({ length: 1000 }, (_, i) => permute(2 ** 52 - 1 - i, 2 ** 52, 5));
    expect(new Set(places).size).toBe(1000);
    expect(places.every((place) => Number.isSafeInteger(place) && place < 2 ** 52)).toBe(true);
    expect(() => permute(10, 10, 1)).toThrow('10 of 10');
    expect(() => permute(0, 2 ** 53, 1)).toThrow();
  });
});
