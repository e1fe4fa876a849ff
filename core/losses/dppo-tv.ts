import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { dppo, dppoSettings, type TokenProbs } from './dppo.js';
import { indicator } from './indicator.js';
import type { PolicyLoss } from './policy-loss.js';

export const dppoTvSettings = z.strictObject({ name: z.literal('dppo_tv'), ...dppoSettings });

/**
 * DPPO-Binary-TV (arXiv:2602.04879): a token teaches nothing once its probability has moved further than allowed in the direction
 * that its advantage asks for.
 */
export const dppoTv: PolicyLoss<z.output<typeof dppoTvSettings>> = (input, settings) => {
  const isInside = ({ prob, oldProb }: TokenProbs): tf.Tensor1D => {
    const moved: tf.Tensor1D = tf.sub(prob, oldProb); // [M]
    return tf.where(
      tf.greater(input.advantages, 0),
      indicator(tf.lessEqual(moved, settings.clipRatioHigh)),
      indicator(tf.greaterEqual(moved, -settings.clipRatioLow)),
    ); // [M]
  };
  return dppo(input, isInside, settings.clipRatioC);
};
