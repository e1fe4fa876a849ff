export const lossAggModes = [
  'token-mean',
  'seq-mean-token-sum',
  'seq-mean-token-mean',
  'seq-mean-token-sum-norm',
  'token-sum',
] as const;
export type LossAggMode = (typeof lossAggModes)[number];

/**
 * Weight of each token of each sequence in the loss of a mini-batch, by verl's `loss_agg_mode`: the loss is the weighted sum.
 * Counts are of the whole mini-batch, so the loss does not depend on how it is split into micro-batches.
 * @param tokenCounts sampled tokens a sequence; sequences without any count for nothing
 * @param lossScaleFactor what seq-mean-token-sum-norm divides by: a constant, such as the longest possible response
 */
export function tokenWeights(
  mode: LossAggMode,
  tokenCounts: readonly number[],
  lossScaleFactor: number,
): readonly number[] {
  const tokens = tokenCounts.reduce((sum, count) => sum + count, 0);
  const sequences = tokenCounts.filter((count) => count > 0).length;
  return tokenCounts.map((count) => {
    if (count === 0) return 0;
    switch (mode) {
      case 'token-mean':
        return 1 / tokens;
      case 'seq-mean-token-sum':
        return 1 / sequences;
      case 'seq-mean-token-mean':
        return 1 / (sequences * count);
      case 'seq-mean-token-sum-norm':
        return 1 / lossScaleFactor;
      case 'token-sum':
        return 1;
      default:
        return mode satisfies never;
    }
  });
}

export function isLossAggMode(name: string): name is LossAggMode {
  return lossAggModes.some((mode) => mode === name);
}
