import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/**
 * y = x Wᵀ, without bias. The transposes are made outside of matMul because tfjs-wasm has a fast path for plain products only.
 * @param x [N, In] float32
 * @param weight [Out, In] float32, the layout of Hugging Face checkpoints
 * @returns [N, Out] float32
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  return differentiable([x, weight], () => {
    return {
      value: tf.matMul(x, tf.transpose(weight)),
      saved: { x, weight },
      gradient: (dy, { x, weight }) => {
        return [tf.matMul(dy, weight), tf.matMul(tf.transpose(dy), x)];
      },
    };
  });
}
