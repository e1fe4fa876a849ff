import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedKernel } from './fused-kernel.js';

/** As a product with ones: on tfjs-wasm many times faster than a reduction over the first axis. */
const kernel = fusedKernel('SumRows', ({ x }: { x: tf.Tensor2D }, _: object): [tf.Tensor1D] => {
  const [rows, columns] = x.shape;
  if (rows === 0) return [tf.zeros([columns])];
  return [tf.reshape(tf.matMul(tf.ones([1, rows]), x), [columns])];
});

/**
 * The sum over the rows, 0 where there are none. For use inside gradients: it has none of its own.
 * @param x [N, C] float32
 * @returns [C] float32
 */
export function sumRows(x: tf.Tensor2D): tf.Tensor1D {
  checkShapes('sumRows', { x }, { 'x is [N, C] float32': x.rank === 2 && x.dtype === 'float32' });
  const [sums] = kernel.run({ x }, {});
  return sums;
}
