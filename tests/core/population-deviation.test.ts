import { expect, test } from 'vitest';
import { populationDeviation } from '../../core/population-deviation.js';

test('the deviation divides by the number of values', () => {
  expect(populationDeviation([1, 3])).toBe(1);
  expect(populationDeviation([5])).toBe(0);
  expect(populationDeviation([])).toBe(0);
});
