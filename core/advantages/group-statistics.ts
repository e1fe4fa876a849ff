/** Mean of the values; summed as distances from the first, so that the mean of equal values is exactly that value. 0 for none. */
export function mean(values: readonly number[]): number {
  const [first = 0] = values;
  return first + values.reduce((sum, value) => sum + (value - first), 0) / Math.max(1, values.length);
}

/** Standard deviation with Bessel's correction; values must be at least two. */
export function sampleDeviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** What a member of a group is compared with: the mean of the group's rewards, 0 for a group of one, as in verl. */
export function groupMean(rewards: readonly number[]): number {
  return rewards.length > 1 ? mean(rewards) : 0;
}

/** Mean of values by weights, exactly the value when all are equal; 0 when the weights add up to 0. */
export function weightedMean(values: readonly number[], weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return 0;
  const [first = 0] = values;
  return first + values.reduce((sum, value, i) => sum + (value - first) * (weights[i] ?? 0), 0) / total;
}
