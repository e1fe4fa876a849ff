import * as tf from '@tensorflow/tfjs-core';

/**
 * What `f` makes, as a constant: no gradient flows through it, so that its ops need none.
 * @param f returns a tensor that it has made itself
 */
export function withoutGradient(f: () => tf.Tensor1D): tf.Tensor1D {
  return tf.customGrad<tf.Tensor1D>(() => ({ value: f(), gradFunc: () => [] }))();
}
