import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/**
 * Rows of a table by token id. Its gradient scatters with scatterND, which sums duplicates and exists on every backend.
 * @param table [V, C] float32
 * @param tokens [N] int32, each in [0, V)
 * @returns [N, C] float32
 */
export function embedding(table: tf.Tensor2D, tokens: tf.Tensor1D): tf.Tensor2D {
  const shape = table.shape;
  return differentiable([table], () => {
    return {
      value: tf.gather(table, tokens),
      saved: { tokens },
      gradient: (dy, { tokens }) => {
        return [tf.scatterND(tf.expandDims(tokens, 1), dy, shape)];
      },
    };
  });
}
