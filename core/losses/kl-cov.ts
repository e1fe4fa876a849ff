import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { covariances } from './covariances.js';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss, PreparedMiniBatch } from './policy-loss.js';
import { withoutGradient } from './without-gradient.js';

export const klCovSettings = z.strictObject({
  name: z.literal('kl_cov'),
  klCovRatio: z.number().min(0).max(1).default(0.0002).describe('share of the tokens to penalise, at least one'),
  ppoKlCoef: z.number().min(0).default(0.1).describe('weight of the penalty |log-ratio| on those tokens'),
});
type KlCovSettings = z.output<typeof klCovSettings>;

/**
 * KL-Cov (arXiv:2505.22617): -A r without clipping; the tokens with the highest covariance of log-prob and advantage
 * also pay for each step away from the old policy. They are chosen once an optimizer step from the whole mini-batch.
 * At a log-ratio of 0 the penalty has no gradient. actor/ppo_kl is the mean of |log-ratio|, as in verl.
 * Deviation: the log-ratio is clamped to ±20.
 */
export const klCov: PolicyLoss<KlCovSettings> = (input, { ppoKlCoef }) => {
  const logRatio = clampedLogRatio(input); // [M]
  const sign = withoutGradient(() => tf.sign(logRatio)); // [M]
  const distance: tf.Tensor1D = tf.mul(logRatio, sign); // [M]
  const penalty: tf.Tensor1D = tf.mul(tf.mul(distance, input.prepared), ppoKlCoef); // [M]
  return {
    losses: tf.sub<tf.Tensor1D>(penalty, tf.mul(input.advantages, tf.exp(logRatio))),
    metrics: { 'actor/ppo_kl': distance },
  };
};

/** 1 for the tokens to penalise. */
export function prepareKlCov(miniBatch: PreparedMiniBatch, { klCovRatio }: KlCovSettings): Float32Array {
  const covariance = covariances(miniBatch);
  const descending = [...covariance.keys()].sort((a, b) => (covariance[b] ?? 0) - (covariance[a] ?? 0));
  const isPenalised = new Float32Array(covariance.length);
  const count = Math.max(1, Math.floor(klCovRatio * covariance.length));
  for (const i of descending.slice(0, count)) isPenalised[i] = 1;
  return isPenalised;
}
