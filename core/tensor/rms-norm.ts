import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/**
 * RMSNorm (Zhang & Sennrich, arXiv:1910.07467, eq. 4): y = x / sqrt(mean(x²) + eps) · weight, over the last axis.
 * @param x [N, C] float32
 * @param weight [C] float32
 * @returns [N, C] float32
 */
export function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor1D, eps: number): tf.Tensor2D {
  return differentiable([x, weight], () => {
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), eps)); // [N, 1]
    const normed: tf.Tensor2D = tf.mul(x, scale); // [N, C]
    return {
      value: tf.mul(normed, weight),
      saved: { normed, scale, weight },
      gradient: (dy, { normed, scale, weight }) => {
        const dNormed = tf.mul(dy, weight); // [N, C]
        const projection = tf.mean(tf.mul(dNormed, normed), 1, true); // [N, 1]
        const dx = tf.mul(tf.sub(dNormed, tf.mul(normed, projection)), scale); // [N, C]
        return [dx, sumRows(tf.mul(dy, normed))];
      },
    };
  });
}

/** Column sums as a product with ones: on tfjs-wasm many times faster than a reduction over the first axis. */
function sumRows(x: tf.Tensor2D): tf.Tensor1D {
  return tf.reshape(tf.matMul(tf.ones([1, x.shape[0]]), x), [x.shape[1]]);
}
