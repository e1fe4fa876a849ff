import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { clipRatio, clipRatios } from './clip.js';
import { indicator } from './indicator.js';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss } from './policy-loss.js';
import { withoutGradient } from './without-gradient.js';

export const cispoSettings = z.strictObject({ name: z.literal('cispo'), ...clipRatios });

/**
 * CISPO (arXiv:2506.13585, eq. 4 and 5): the policy gradient times the clipped ratio, which is a constant: every token keeps a
 * gradient. The log-ratio is clamped to ±20 before the exponential, as in verl.
 */
export const cispo: PolicyLoss<z.output<typeof cispoSettings>> = (input, settings) => {
  const { logProbs, advantages } = input;
  const logRatio = clampedLogRatio(input); // [M]
  const ratio = withoutGradient(() => tf.exp(logRatio)); // [M]
  const weight = clipRatio(ratio, settings); // [M]
  return {
    losses: tf.neg(tf.mul<tf.Tensor1D>(tf.mul(weight, advantages), logProbs)),
    metrics: {
      'actor/pg_clipfrac': indicator(tf.notEqual(ratio, weight)),
      'actor/pg_clipfrac_lower': tf.zerosLike(ratio),
      'actor/ppo_kl': tf.neg(logRatio),
    },
  };
};
