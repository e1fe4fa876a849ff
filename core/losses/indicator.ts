import * as tf from '@tensorflow/tfjs-core';

/** 1 where the condition ([M]) holds, else 0. */
export function indicator(condition: tf.Tensor): tf.Tensor1D {
  return tf.reshape(tf.cast(condition, 'float32'), [condition.size]);
}
