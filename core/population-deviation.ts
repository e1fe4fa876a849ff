import { mean } from './advantages/group-statistics.js';

/** Square root of the mean squared distance from the mean; 0 for none. */
export function populationDeviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}
