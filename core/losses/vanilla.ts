import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { clippedLosses, clipRatios } from './clip.js';
import { indicator } from './indicator.js';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss } from './policy-loss.js';

export const vanillaSettings = z.strictObject({
  name: z.literal('vanilla'),
  ...clipRatios,
  clipRatioC: z.number().gt(1).default(3).describe('dual clip: largest loss a unit of negative advantage'),
});

/**
 * PPO-clip (arXiv:1707.06347, eq. 7) with asymmetric bounds (DAPO, arXiv:2503.14476, eq. 10) and dual clip for negative advantages
 * (arXiv:1912.09729, eq. 5). The log-ratio is clamped to ±20 before the exponential, as in verl.
 */
export const vanilla: PolicyLoss<z.output<typeof vanillaSettings>> = (input, settings) => {
  const { advantages } = input;
  const logRatio = clampedLogRatio(input); // [M]
  const { losses, isClipped } = clippedLosses(tf.exp(logRatio), advantages, settings);
  const bound: tf.Tensor1D = tf.mul(advantages, -settings.clipRatioC); // [M]
  const isNegative = tf.less(advantages, 0); // [M] bool
  const bounded: tf.Tensor1D = tf.minimum(losses, bound); // [M]
  return {
    losses: tf.where<tf.Tensor1D>(isNegative, bounded, losses),
    metrics: {
      'actor/pg_clipfrac': indicator(isClipped),
      'actor/pg_clipfrac_lower': indicator(tf.logicalAnd(tf.greater(losses, bound), isNegative)),
      'actor/ppo_kl': tf.neg(logRatio),
    },
  };
};
