import type { SampledTokens } from './importance-weights.js';
import type { RejectionRule, RolloutRsOption } from './settings.js';
import { describeTokens, largest, prefixed, rowMean, type Statistics, share, tokenMean } from './token-statistics.js';

export interface Rejection {
  /** 1 = kept, one entry a sampled token. */
  readonly kept: readonly (readonly (0 | 1)[])[];
  readonly metrics: Statistics;
}

/**
 * Rejection sampling: a token, or a sequence with all its tokens, is kept when the statistics of all rules lie within their bounds.
 * With d = log π_old − log π_rollout: k1 = −d, k2 = d²/2, k3 = e^d − 1 − d.
 */
export function reject(tokens: SampledTokens, rules: readonly RejectionRule[]): Rejection {
  const parts = rules.map((rule) => rejectBy(rule, tokens));
  const kept = tokens.logRatios.map((row, i) =>
    row.map((_, t) => (parts.every((part) => part.kept[i]?.[t] === 1) ? 1 : 0)),
  );
  const metrics = [...parts.map((part) => part.metrics), maskedFractions(kept)].flatMap(Object.entries<number>);
  return { kept, metrics: prefixed('rollout_rs_', Object.fromEntries(metrics)) };
}

function rejectBy({ option, lower, upper }: RejectionRule, { logRatios, mask }: SampledTokens): Rejection {
  const level = option.startsWith('token_') ? 'token' : 'sequence';
  const statistics = logRatios.map((row) => statisticOf(option, row));
  const kept = statistics.map((row) => row.map((value) => (value >= lower && value <= upper ? 1 : 0)));
  const names = { high: 'fraction_high', low: 'fraction_low' };
  const metrics = {
    ...describeTokens(statistics, { level, lower, upper, centre: 0, mask, names }),
    ...maskedFractions(kept),
  };
  return { kept, metrics: prefixed(`${option}_`, metrics) };
}

/** The option's statistic on each token of a sequence. */
function statisticOf(option: RolloutRsOption, row: readonly number[]): number[] {
  const estimates = row.map((d) => estimate(option, d));
  if (option.startsWith('token_')) return estimates;
  const statistic = option.startsWith('seq_sum_')
    ? estimates.reduce((sum, value) => sum + value, 0)
    : option.startsWith('seq_mean_')
      ? rowMean(estimates)
      : largest(estimates);
  return row.map(() => statistic);
}

function estimate(option: RolloutRsOption, d: number): number {
  if (option.endsWith('_k1')) return -d;
  return option.endsWith('_k2') ? (d * d) / 2 : Math.expm1(d) - d;
}

/** Shares of the tokens, and of the sequences that lost at least one. */
function maskedFractions(kept: readonly (readonly (0 | 1)[])[]): Statistics {
  return {
    masked_fraction: tokenMean(kept.map((row) => row.map((isKept) => 1 - isKept))),
    seq_masked_fraction: share(
      kept.map((row) => (row.includes(0) ? 1 : 0)),
      (isHit) => isHit === 1,
    ),
  };
}
