import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { clippedLosses, clipRatios } from './clip.js';
import { indicator } from './indicator.js';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss, PolicyLossInput } from './policy-loss.js';

export const luffySettings = z.strictObject({
  name: z.literal('luffy'),
  lossRemoveClip: z.boolean().default(true).describe("whether the policy's own tokens are left unclipped"),
  ...clipRatios,
  offPolicyGamma: z.number().positive().default(0.1).describe("γ of the shaping p / (p + γ) of an expert's tokens"),
});
type LuffySettings = z.output<typeof luffySettings>;

/**
 * LUFFY (arXiv:2504.14945): the policy's own tokens cost -A r, an expert's -A f(p) with f(p) = p / (p + γ) of their
 * probability p, which makes unlikely ones count for more. Aggregate with seq-mean-token-sum-norm, as the paper does: it is not
 * forced here. The log-ratio is clamped to ±20; metrics are of the policy's own tokens, 0 on an expert's.
 */
export const luffy: PolicyLoss<LuffySettings> = (input, settings) => {
  const isExpert = tf.greater(input.isOffPolicy, 0); // [M] bool
  const own: tf.Tensor1D = tf.sub(1, input.isOffPolicy); // [M]
  const logRatio = clampedLogRatio(input); // [M]
  const { losses, isClipped } = ownLosses(tf.exp(logRatio), input, settings);
  const prob = tf.exp(input.logProbs); // [M]
  const shaped: tf.Tensor1D = tf.div(prob, tf.add(prob, settings.offPolicyGamma)); // [M]
  const expertLosses: tf.Tensor1D = tf.neg(tf.mul<tf.Tensor1D>(shaped, input.advantages)); // [M]
  return {
    losses: tf.where<tf.Tensor1D>(isExpert, expertLosses, losses),
    metrics: {
      'actor/pg_clipfrac': tf.mul(isClipped, own),
      'actor/pg_clipfrac_lower': tf.zerosLike(own),
      'actor/ppo_kl': tf.mul(tf.neg(logRatio), own),
    },
  };
};

function ownLosses(
  ratio: tf.Tensor1D,
  { advantages }: PolicyLossInput,
  settings: LuffySettings,
): { readonly losses: tf.Tensor1D; readonly isClipped: tf.Tensor1D } {
  if (settings.lossRemoveClip) {
    return { losses: tf.neg(tf.mul<tf.Tensor1D>(ratio, advantages)), isClipped: tf.zerosLike(ratio) };
  }
  const { losses, isClipped } = clippedLosses(ratio, advantages, settings);
  return { losses, isClipped: indicator(isClipped) };
}
