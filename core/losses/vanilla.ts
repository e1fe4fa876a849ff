import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { PolicyLoss } from './policy-loss.js';

export const vanillaSettings = z.strictObject({
  name: z.literal('vanilla'),
  clipRatioLow: z.number().min(0).max(1).default(0.2).describe('the ratio is clipped below 1 minus this'),
  clipRatioHigh: z.number().min(0).default(0.2).describe('the ratio is clipped above 1 plus this (DAPO: 0.28)'),
  clipRatioC: z.number().gt(1).default(3).describe('dual clip: largest loss a unit of negative advantage'),
});

/**
 * PPO-clip (arXiv:1707.06347, eq. 7) with asymmetric bounds (DAPO, arXiv:2503.14476, eq. 10) and dual clip for negative advantages
 * (arXiv:1912.09729, eq. 5). The log-ratio is clamped to ±20 before the exponential, as in verl.
 */
export const vanilla: PolicyLoss<z.output<typeof vanillaSettings>> = (
  { logProbs, oldLogProbs, advantages },
  settings,
) => {
  const difference: tf.Tensor1D = tf.sub(logProbs, oldLogProbs); // [M]
  const logRatio = tf.clipByValue(difference, -20, 20); // [M]
  const ratio: tf.Tensor1D = tf.exp(logRatio); // [M]
  const gain: tf.Tensor1D = tf.neg(advantages); // [M]
  const unclipped: tf.Tensor1D = tf.mul(gain, ratio); // [M]
  const clipped: tf.Tensor1D = tf.mul(
    gain,
    tf.clipByValue(ratio, 1 - settings.clipRatioLow, 1 + settings.clipRatioHigh),
  ); // [M]
  const pessimistic: tf.Tensor1D = tf.maximum(unclipped, clipped); // [M]
  const bound: tf.Tensor1D = tf.mul(gain, settings.clipRatioC); // [M]
  const isNegative = tf.less(advantages, 0); // [M] bool
  const bounded: tf.Tensor1D = tf.minimum(pessimistic, bound); // [M]
  return {
    losses: tf.where<tf.Tensor1D>(isNegative, bounded, pessimistic),
    metrics: {
      'actor/pg_clipfrac': indicator(tf.greater(clipped, unclipped)),
      'actor/pg_clipfrac_lower': indicator(tf.logicalAnd(tf.greater(pessimistic, bound), isNegative)),
      'actor/ppo_kl': tf.neg(logRatio),
    },
  };
};

/** 1 where the condition holds, else 0. */
function indicator(condition: tf.Tensor): tf.Tensor1D {
  return tf.reshape(tf.cast(condition, 'float32'), [condition.size]);
}
