import { describe, expect, it } from 'vitest';
import { Rng, rngKey } from '../../core/rng.js';

const draw = (key: number, count: number): number[] => {
  const rng = new Rng(key);
  return Array.from({ length: count }, () => rng.float());
};

describe('Rng', () => {
  it('gives equal streams for equal keys, on every machine', () => {
    expect(draw(1, 3)).toEqual(draw(1, 3));
    expect(draw(1, 3)).toEqual([0.5883937727364685, 0.5903106565762561, 0.3480919508268894]);
  });

  it('is uniform in [0, 1): mean, variance and tenths', () => {
    const numbers = draw(2, 20_000);
    const mean = numbers.reduce((a, b) => a + b) / numbers.length;
    const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
    expect(numbers.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.003);
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = numbers.filter((value) => Math.floor(value * 10) === tenth).length / numbers.length;
      expect(Math.abs(share - 0.1)).toBeLessThan(0.01);
    }
  });

  it('draws every integer below the bound', () => {
    const rng = new Rng(3);
    const seen = new Set(Array.from({ length: 200 }, () => rng.int(7)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(rng.int(1)).toBe(0);
  });

  it('draws normals of mean 0 and deviation 1, all finite', () => {
    const rng = new Rng(4);
    const numbers = Array.from({ length: 20_000 }, () => rng.normal());
    const mean = numbers.reduce((a, b) => a + b) / numbers.length;
    const variance = numbers.reduce((sum, value) => sum + value ** 2, 0) / numbers.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    expect(numbers.every(Number.isFinite)).toBe(true);
  });

  it('of neighbouring keys are unrelated', () => {
    const firsts = Array.from({ length: 1000 }, (_, key) => draw(key, 1)[0]!);
    const mean = firsts.reduce((a, b) => a + b) / firsts.length;
    expect(new Set(firsts).size).toBe(1000);
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
  });
});

describe('rngKey', () => {
  it('tells parts apart by order, border and number of them', () => {
    const keys = [
      rngKey('ab', 'c'),
      rngKey('a', 'bc'),
      rngKey('abc'),
      rngKey('c', 'ab'),
      rngKey('ab', 'c', ''),
      rngKey(),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is an unsigned 32-bit integer that a Rng takes as it is', () => {
    for (let i = 0; i < 100; i++) {
      const key = rngKey(i, 'part', -i);
      expect(Number.isInteger(key) && key >= 0 && key < 2 ** 32).toBe(true);
    }
  });

  it('does not change from release to release: checkpoints depend on it', () => {
    expect(rngKey(1, 'train', 3, 'task-7')).toBe(2991020831);
  });
});
