import { expect, test } from 'vitest';
import { float32Deviation } from '../../../core/rollout-correction/float32-deviation.js';

test('the deviation is over sampled tokens, without a correction', () => {
  expect(float32Deviation([1, 3], [0, 1, 0, 0, 1])).toBe(1);
});

test('fewer than two values do not deviate', () => {
  expect(float32Deviation([], [0, 0])).toBe(0);
  expect(float32Deviation([7], [0, 1])).toBe(0);
});

test('equal numbers that float32 adds without rounding do not deviate', () => {
  expect(float32Deviation(new Array<number>(1000).fill(0.25), new Array<1>(1000).fill(1))).toBe(0);
});

test('many numbers deviate as in double precision, within what float32 can say', () => {
  const values = Array.from({ length: 5000 }, (_, i) => Math.sin(i));
  const mask = values.map(() => 1 as const);
  const centre = values.reduce((sum, value) => sum + value, 0) / 5000;
  const exact = Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / 5000);
  expect(float32Deviation(values, mask)).toBeCloseTo(exact, 6);
});
