import { mean, sampleDeviation } from './group-statistics.js';

/**
 * Distance of each value from the mean of all, divided by (deviation + 1e-6) where asked; the deviation is unbiased. One value alone
 * has mean 0 and deviation 1, as in verl. Equal values, two or more, are exactly 0.
 */
export function groupRelative(
  values: readonly number[],
  { divideByStd }: { readonly divideByStd: boolean },
): readonly number[] {
  const isAlone = values.length < 2;
  const centre = isAlone ? 0 : mean(values);
  const scale = divideByStd ? (isAlone ? 1 : sampleDeviation(values)) + 1e-6 : 1;
  return values.map((value) => (value - centre) / scale);
}
