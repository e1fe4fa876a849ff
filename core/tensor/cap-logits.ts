import * as tf from '@tensorflow/tfjs-core';

/**
 * softcap · tanh(x / softcap) of logits x (Gemma 2, arXiv:2408.00118, section 2); with a softcap of 0 the very tensor it was given.
 * @param logits [N, V] float32
 */
export function capLogits(logits: tf.Tensor2D, softcap: number): tf.Tensor2D {
  return softcap === 0 ? logits : tf.tidy(() => tf.mul(tf.tanh(tf.div(logits, softcap)), softcap));
}
