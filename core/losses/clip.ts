import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

/** Settings of losses that clip the ratio. */
export const clipRatios = {
  clipRatioLow: z.number().min(0).max(1).default(0.2).describe('the ratio is clipped below 1 minus this'),
  clipRatioHigh: z.number().min(0).default(0.2).describe('the ratio is clipped above 1 plus this (DAPO: 0.28)'),
} as const;

export interface ClipRatios {
  readonly clipRatioLow: number;
  readonly clipRatioHigh: number;
}

/** The ratio ([M]), no lower than 1 - clipRatioLow and no higher than 1 + clipRatioHigh. */
export function clipRatio(ratio: tf.Tensor1D, { clipRatioLow, clipRatioHigh }: ClipRatios): tf.Tensor1D {
  return tf.clipByValue(ratio, 1 - clipRatioLow, 1 + clipRatioHigh);
}

/**
 * PPO's pessimistic loss (arXiv:1707.06347, eq. 7): the larger of -A r and -A clip(r).
 * @returns [M] each; `isClipped` (bool) where the clipped one is larger
 */
export function clippedLosses(
  ratio: tf.Tensor1D,
  advantages: tf.Tensor1D,
  bounds: ClipRatios,
): { readonly losses: tf.Tensor1D; readonly isClipped: tf.Tensor } {
  const gain: tf.Tensor1D = tf.neg(advantages); // [M]
  const unclipped: tf.Tensor1D = tf.mul(gain, ratio); // [M]
  const clipped: tf.Tensor1D = tf.mul(gain, clipRatio(ratio, bounds)); // [M]
  return { losses: tf.maximum(unclipped, clipped), isClipped: tf.greater(clipped, unclipped) };
}
