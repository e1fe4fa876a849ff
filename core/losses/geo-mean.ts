import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { indicator } from './indicator.js';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss } from './policy-loss.js';
import { sequenceMeans } from './sequence-sums.js';

export const geoMeanSettings = z.strictObject({
  name: z.literal('geo_mean'),
  clipRatioLow: z.number().min(0).default(0.2).describe('the log-ratio is clipped below minus this (paper: 0.4)'),
  clipRatioHigh: z.number().min(0).default(0.2).describe('the log-ratio is clipped above this (paper: 0.4)'),
});

/** In place of the logarithm of a weight of 0. */
const smallestWeight = 1e-10;

/**
 * GMPO (arXiv:2507.20673): the geometric mean of a sequence's ratios, each clipped in log space, times its mean advantage; a
 * plain mean over sequences. Importance weights are averaged geometrically too, as in verl.
 * Deviations: sequences without a sampled token are not counted; the log-ratio is clamped to ±20.
 */
export const geoMean: PolicyLoss<z.output<typeof geoMeanSettings>> = (input, { clipRatioLow, clipRatioHigh }) => {
  const { advantages, rolloutIsWeights } = input;
  const logRatio = clampedLogRatio(input); // [M]
  const [isPositive, isNegative] = [tf.greater(advantages, 0), tf.less(advantages, 0)]; // [M] bool
  const notBelow: tf.Tensor1D = tf.maximum(logRatio, -clipRatioLow); // [M]
  const notAbove: tf.Tensor1D = tf.minimum(logRatio, clipRatioHigh); // [M]
  const ofNegative: tf.Tensor1D = tf.where(isNegative, notBelow, tf.zerosLike(logRatio)); // [M]
  const clipped: tf.Tensor1D = tf.where(isPositive, notAbove, ofNegative); // [M]
  const ratio = tf.exp(sequenceMeans(clipped, input)); // [M]
  const positiveWeights: tf.Tensor1D = tf.maximum(rolloutIsWeights, smallestWeight); // [M]
  const weight = tf.exp(sequenceMeans(tf.log(positiveWeights), input)); // [M]
  const gain: tf.Tensor1D = tf.neg(sequenceMeans(advantages, input)); // [M]
  const isOutside = tf.logicalOr(tf.less(logRatio, -clipRatioLow), tf.greater(logRatio, clipRatioHigh)); // [M] bool
  return {
    losses: tf.mul(tf.mul<tf.Tensor1D>(gain, ratio), weight),
    metrics: {
      'actor/pg_clipfrac': indicator(tf.logicalAnd(isOutside, isPositive)),
      'actor/pg_clipfrac_lower': indicator(tf.logicalAnd(isOutside, isNegative)),
      'actor/ppo_kl': tf.neg(logRatio),
    },
  };
};
