import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { indicator } from './indicator.js';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLossInput, PolicyLossOutput } from './policy-loss.js';
import { withoutGradient } from './without-gradient.js';

/** Settings of both trust regions. */
export const dppoSettings = {
  clipRatioLow: z.number().min(0).default(0.2).describe('largest divergence of a token that is made less likely'),
  clipRatioHigh: z.number().min(0).default(0.2).describe('largest divergence of a token that is made more likely'),
  clipRatioC: z.number().positive().default(20).describe('the ratio is truncated above this'),
} as const;

/** Probabilities of the sampled tokens, [M] each. */
export interface TokenProbs {
  readonly prob: tf.Tensor1D;
  readonly oldProb: tf.Tensor1D;
}

/**
 * DPPO (arXiv:2602.04879): the policy gradient times the truncated ratio, which is a constant, of the tokens inside a trust region.
 * @param isInside [M]: 1 where a token is inside, else 0; as numbers, because tfjs-wasm chooses wrongly between booleans
 */
export function dppo(
  input: PolicyLossInput,
  isInside: (probs: TokenProbs) => tf.Tensor1D,
  clipRatioC: number,
): PolicyLossOutput {
  const { logProbs, oldLogProbs, advantages } = input;
  const logRatio = clampedLogRatio(input); // [M]
  const ratio = withoutGradient(() => tf.exp(logRatio)); // [M]
  const truncated: tf.Tensor1D = tf.minimum(ratio, clipRatioC); // [M]
  const kept = withoutGradient(() => isInside({ prob: tf.exp(logProbs), oldProb: tf.exp(oldLogProbs) })); // [M]
  const slope: tf.Tensor1D = tf.mul(tf.mul(truncated, kept), tf.neg(advantages)); // [M]
  return {
    losses: tf.mul(slope, logProbs),
    metrics: {
      'actor/pg_clipfrac': tf.sub(1, kept),
      'actor/pg_clipfrac_lower': tf.mul(indicator(tf.greater(ratio, clipRatioC)), kept),
      'actor/ppo_kl': tf.neg(logRatio),
    },
  };
}
