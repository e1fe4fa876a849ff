import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss } from './policy-loss.js';

export const sapoSettings = z.strictObject({
  name: z.literal('sapo'),
  tauPos: z.number().positive().default(1).describe('how fast the gate closes where the advantage is positive'),
  tauNeg: z.number().positive().default(1.05).describe('how fast the gate closes where the advantage is not positive'),
});

/**
 * SAPO (arXiv:2511.20347): a sigmoid gate of the ratio, 4/τ σ(τ (r - 1)), in place of clipping; always the mean over sequences of
 * means over tokens. The log-ratio is clamped to ±20 before the exponential, as in verl.
 */
export const sapo: PolicyLoss<z.output<typeof sapoSettings>> = (input, { tauPos, tauNeg }) => {
  const { advantages } = input;
  const logRatio = clampedLogRatio(input); // [M]
  const shape = advantages.shape;
  const isPositive = tf.greater(advantages, 0); // [M] bool
  const tau: tf.Tensor1D = tf.where(isPositive, tf.fill(shape, tauPos), tf.fill(shape, tauNeg)); // [M]
  const excess: tf.Tensor1D = tf.sub(tf.exp(logRatio), 1); // [M]
  const gate: tf.Tensor1D = tf.mul(tf.sigmoid(tf.mul(tau, excess)), tf.div(4, tau)); // [M]
  return {
    losses: tf.neg(tf.mul<tf.Tensor1D>(gate, advantages)),
    metrics: {
      'actor/pg_clipfrac': tf.zerosLike(logRatio),
      'actor/pg_clipfrac_lower': tf.zerosLike(logRatio),
      'actor/ppo_kl': tf.neg(logRatio),
    },
  };
};
