import * as tf from '@tensorflow/tfjs-core';

/** The sampled tokens of a micro-batch, laid end to end; all [M] float32. */
export interface ValueLossInput {
  /** The critic's under the weights being trained; the only input with a gradient. */
  readonly vpreds: tf.Tensor1D;
  /** The critic's at the start of the update. */
  readonly values: tf.Tensor1D;
  readonly returns: tf.Tensor1D;
}

export interface ValueLossOutput {
  /** [M], before aggregation. */
  readonly losses: tf.Tensor1D;
  /** [M] each; their means over tokens are reported under these names. */
  readonly metrics: { readonly 'critic/vf_clipfrac': tf.Tensor1D };
}

/**
 * PPO's clipped value loss (arXiv:1707.06347, as in OpenAI's baselines): ½ max((v − G)², (clip(v, v_old ± c) − G)²), so that
 * moving the critic further than c from where the update began wins nothing.
 */
export function valueLoss(
  { vpreds, values, returns }: ValueLossInput,
  { cliprangeValue }: { readonly cliprangeValue: number },
): ValueLossOutput {
  const lowest: tf.Tensor1D = tf.sub(values, cliprangeValue); // [M]
  const highest: tf.Tensor1D = tf.add(values, cliprangeValue); // [M]
  const near: tf.Tensor1D = tf.minimum(tf.maximum(vpreds, lowest), highest); // [M]
  const unclipped = tf.square(tf.sub<tf.Tensor1D>(vpreds, returns)); // [M]
  const clipped = tf.square(tf.sub<tf.Tensor1D>(near, returns)); // [M]
  const isClipped = tf.cast(tf.greater<tf.Tensor1D>(clipped, unclipped), 'float32'); // [M]
  return {
    losses: tf.mul<tf.Tensor1D>(tf.maximum(unclipped, clipped), 0.5),
    metrics: { 'critic/vf_clipfrac': isClipped },
  };
}
