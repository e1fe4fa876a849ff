import { isLossAggMode, tokenWeights } from '../core/losses/aggregate.js';
import type { CaseInputs } from './case-file.js';

/**
 * What a sampled token weighs in the aggregated loss, end to end. seq-mean-token-sum-norm divides by the columns of the mask, as verl
 * does without a loss_scale_factor. Throws RangeError on an unknown mode.
 */
export function aggregationWeights(mode: string, { response_mask: mask }: CaseInputs): number[] {
  if (!isLossAggMode(mode)) throw new RangeError(`unknown aggregation ${mode}`);
  const counts = mask.map((row) => row.filter((bit) => bit === 1).length);
  const weights = tokenWeights(mode, counts, mask[0]?.length ?? 1);
  return counts.flatMap((count, b) => new Array<number>(count).fill(weights[b] ?? 0));
}

export function weightedSum(values: readonly number[], weights: readonly number[]): number {
  return values.reduce((sum, value, i) => sum + value * (weights[i] ?? Number.NaN), 0);
}
