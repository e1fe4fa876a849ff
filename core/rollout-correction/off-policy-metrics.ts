import { largest, mean, rowMean, type Statistics, smallest, type TokenRows, tokenMean } from './token-statistics.js';

/**
 * How far the policy is from the one that sampled: perplexities, KL and χ² divergence.
 * @param oldLogprobs log π_old of the sampled tokens
 * @param rolloutLogprobs log π_rollout of the same
 * @param logRatios their difference, clamped to ±20
 */
export function offPolicyMetrics(oldLogprobs: TokenRows, rolloutLogprobs: TokenRows, logRatios: TokenRows): Statistics {
  const training = oldLogprobs.map((row) => -rowMean(row));
  const rollout = rolloutLogprobs.map((row) => -rowMean(row));
  const differences = training.map((logPpl, i) => logPpl - (rollout[i] ?? 0));
  const sums = logRatios.map((row) => row.reduce((sum, d) => sum + d, 0));
  return {
    training_ppl: mean(training.map(Math.exp)),
    training_log_ppl: mean(training),
    rollout_ppl: mean(rollout.map(Math.exp)),
    rollout_log_ppl: mean(rollout),
    log_ppl_diff: mean(differences),
    log_ppl_abs_diff: mean(differences.map(Math.abs)),
    log_ppl_diff_max: largest(differences),
    log_ppl_diff_min: smallest(differences),
    ppl_ratio: mean(differences.map(Math.exp)),
    kl: -tokenMean(logRatios),
    k3_kl: tokenMean(logRatios.map((row) => row.map((d) => Math.expm1(d) - d))),
    chi2_token: tokenMean(logRatios.map((row) => row.map((d) => Math.exp(2 * d)))) - 1,
    chi2_seq: mean(sums.map((sum) => Math.exp(2 * Math.min(Math.max(sum, -20), 20)))) - 1,
  };
}
