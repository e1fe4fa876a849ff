import * as tf from '@tensorflow/tfjs-core';

/** The values of x, through which no gradient flows. */
export function detach(x: tf.Tensor1D): tf.Tensor1D {
  return tf.customGrad<tf.Tensor1D>(() => ({ value: tf.clone(x), gradFunc: (dy) => tf.zerosLike(dy) }))(x);
}
