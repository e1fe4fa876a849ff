import * as tf from '@tensorflow/tfjs-core';

/** Runs a kernel on the current backend and returns the values of its outputs; these and the inputs are disposed, whatever happens. */
export function runKernel(
  name: string,
  inputs: { readonly [name: string]: tf.Tensor },
  attributes: object = {},
): number[][] {
  try {
    return tf.tidy(() => {
      const outputs = tf.engine().runKernel(name, { ...inputs }, { ...attributes });
      return [outputs].flat().map((output) => [...output.dataSync()]);
    });
  } finally {
    tf.dispose({ ...inputs });
  }
}
