import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedKernel } from './fused-kernel.js';

const kernel = fusedKernel('Accumulate', ({ sum, addend }: { sum: tf.Variable; addend: tf.Tensor }, _: object): [] => {
  sum.assign(tf.add(sum, addend));
  return [];
});

/**
 * Adds to a variable in place; not differentiable, and never to be called between a variable's use and its gradient.
 * @param sum any shape, float32
 * @param addend of the same shape; stays the caller's
 */
export function accumulate(sum: tf.Variable, addend: tf.Tensor): void {
  const isSameShape = tf.util.arraysEqual(sum.shape, addend.shape);
  checkShapes('accumulate', { sum, addend }, { 'sum and addend have one shape': isSameShape });
  kernel.run({ sum, addend }, {});
}
