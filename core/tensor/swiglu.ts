import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/**
 * SwiGLU without its projections (Shazeer, arXiv:2002.05202, eq. 6): y = gate · sigmoid(gate) · up.
 * @param gate [N, F] float32
 * @param up [N, F] float32
 * @returns [N, F] float32
 */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  return differentiable([gate, up], () => {
    return {
      value: tf.mul(tf.mul(gate, tf.sigmoid(gate)), up),
      saved: { gate, up },
      gradient: (dy, { gate, up }) => {
        const sigmoid = tf.sigmoid(gate); // [N, F]
        const silu = tf.mul(gate, sigmoid); // [N, F]
        // d silu / d gate = sigmoid + silu (1 - sigmoid)
        const slope = tf.add(sigmoid, tf.sub(silu, tf.mul(silu, sigmoid))); // [N, F]
        return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)];
      },
    };
  });
}
