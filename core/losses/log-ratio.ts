import * as tf from '@tensorflow/tfjs-core';
import type { PolicyLossInput } from './policy-loss.js';

/** Log-ratio of the policy to the old one ([M]), clamped to ±20 so that its exponential is finite, as in verl. */
export function clampedLogRatio({ logProbs, oldLogProbs }: PolicyLossInput): tf.Tensor1D {
  const difference: tf.Tensor1D = tf.sub(logProbs, oldLogProbs); // [M]
  return tf.clipByValue(difference, -20, 20);
}
