import type { PreparedMiniBatch } from './policy-loss.js';

/**
 * How much each token's log-prob and advantage deviate from their means together (arXiv:2505.22617): the product of both
 * deviations, whose mean over all tokens of the mini-batch is the covariance. [M]
 */
export function covariances({ logProbs, advantages }: PreparedMiniBatch): Float64Array {
  const [logProb, advantage] = [mean(logProbs), mean(advantages)];
  return Float64Array.from(logProbs, (value, i) => (value - logProb) * ((advantages[i] ?? 0) - advantage));
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
