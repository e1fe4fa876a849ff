import * as tf from '@tensorflow/tfjs-core';

/**
 * The values of a float32 tensor, at once. For kernels written in JavaScript only: on the backends that compute in this
 * process's memory (cpu, wasm) there is nothing to wait for; elsewhere it stalls. Do not write into the result.
 */
export function readValues(tensor: tf.Tensor): Float32Array {
  const values = tf.backend().readSync(tensor.dataId);
  if (!(values instanceof Float32Array)) throw new TypeError(`expected float32 values, got ${tensor.dtype}`);
  return values;
}
