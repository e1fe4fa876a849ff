import type { RolloutCorrectionSettings } from './settings.js';
import {
  describeTokens,
  mean,
  prefixed,
  rowMean,
  type Statistics,
  type TokenRows,
  tokenMean,
} from './token-statistics.js';

/** What rollout correction looks at of a batch. */
export interface SampledTokens {
  /** log π_old − log π_rollout, clamped to ±20. */
  readonly logRatios: TokenRows;
  /** Of all sequences laid end to end: where the tokens stand. */
  readonly mask: readonly (0 | 1)[];
}

export interface ImportanceWeights {
  readonly weights: TokenRows;
  readonly metrics: Statistics;
}

/**
 * Truncated importance sampling: w = min(π_old / π_rollout, threshold) of each token, or of each sequence on all its tokens.
 * Metrics are of the weights before they are cut off.
 */
export function importanceWeights(
  { logRatios, mask }: SampledTokens,
  level: 'token' | 'sequence',
  { rolloutIsThreshold, rolloutIsBatchNormalize }: RolloutCorrectionSettings,
): ImportanceWeights {
  const ratios = level === 'token' ? logRatios.map((row) => row.map(Math.exp)) : logRatios.map(sequenceRatios);
  const bounds = { lower: 1 / rolloutIsThreshold, upper: rolloutIsThreshold };
  const names = { high: 'ratio_fraction_high', low: 'ratio_fraction_low' };
  const truncated = ratios.map((row) => row.map((ratio) => Math.min(ratio, rolloutIsThreshold)));
  const metrics = {
    ...describeTokens(ratios, { level, ...bounds, centre: 1, mask, names }),
    eff_sample_size: effectiveSampleSize(ratios, bounds),
  };
  if (!rolloutIsBatchNormalize) return { weights: truncated, metrics: prefixed('rollout_is_', metrics) };
  const factor = batchMean(truncated, level);
  return {
    weights: truncated.map((row) => row.map((weight) => weight / factor)),
    metrics: prefixed('rollout_is_', { ...metrics, batch_norm_factor: factor }),
  };
}

function sequenceRatios(row: readonly number[]): number[] {
  const sum = row.reduce((total, logRatio) => total + logRatio, 0);
  const ratio = Math.exp(Math.min(Math.max(sum, -20), 20));
  return row.map(() => ratio);
}

/** Share of the tokens that so unequal weights are worth: 1 / mean((w / mean w)²), w cut off at both bounds. */
function effectiveSampleSize(ratios: TokenRows, { lower, upper }: { lower: number; upper: number }): number {
  const clipped = ratios.flat().map((ratio) => Math.min(Math.max(ratio, lower), upper));
  if (clipped.length === 0) return 0;
  const centre = mean(clipped);
  return 1 / mean(clipped.map((weight) => (weight / centre) ** 2));
}

/** Mean over tokens or over sequences that have some; 1 where there are none or all weights vanish. */
function batchMean(weights: TokenRows, level: 'token' | 'sequence'): number {
  const factor = level === 'token' ? tokenMean(weights) : mean(weights.filter((row) => row.length > 0).map(rowMean));
  return factor > 1e-8 ? factor : 1;
}
