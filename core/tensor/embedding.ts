import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedGradient } from './fused-gradient.js';
import { fusedKernel } from './fused-kernel.js';

const kernel = fusedKernel(
  'Embedding',
  ({ table, tokens }: { table: tf.Tensor2D; tokens: tf.Tensor1D }, { rows: _ }: { rows: number }): [tf.Tensor2D] => [
    tokens.size === 0 ? tf.zeros([0, table.shape[1]]) : tf.gather(table, tokens),
  ],
);

/** scatterND sums duplicates and exists on every backend, unlike the gradient that tfjs has for gather. */
const gradKernel = fusedKernel(
  'EmbeddingGrad',
  ({ dy, tokens }: { dy: tf.Tensor2D; tokens: tf.Tensor1D }, { rows }: { rows: number }): [tf.Tensor2D] => {
    const shape: [number, number] = [rows, dy.shape[1]];
    return [tokens.size === 0 ? tf.zeros(shape) : tf.scatterND(tf.expandDims(tokens, 1), dy, shape)];
  },
);

fusedGradient(kernel, { inputs: ['tokens'] }, ({ dys: [dy], inputs, attributes }) => ({
  table: () => gradKernel.run({ dy, ...inputs }, attributes)[0],
}));

/**
 * Rows of a table by token id.
 * @param table [V, C] float32
 * @param tokens [N] int32, each in [0, V)
 * @returns [N, C] float32
 */
export function embedding(table: tf.Tensor2D, tokens: tf.Tensor1D): tf.Tensor2D {
  checkShapes(
    'embedding',
    { table, tokens },
    { 'table is [V, C]': table.rank === 2, 'tokens is [N] int32': tokens.rank === 1 && tokens.dtype === 'int32' },
  );
  return kernel.run({ table, tokens }, { rows: table.shape[0] })[0];
}
