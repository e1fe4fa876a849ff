import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedGradient } from './fused-gradient.js';
import { fusedKernel } from './fused-kernel.js';

type Inputs = { x: tf.Tensor2D; branch: tf.Tensor2D };

const kernel = fusedKernel('Residual', ({ x, branch }: Inputs, _: object): [tf.Tensor2D] => [tf.add(x, branch)]);

fusedGradient(kernel, { inputs: [] }, ({ dys: [dy] }) => ({ x: () => tf.clone(dy), branch: () => tf.clone(dy) }));

/**
 * x + branch, a residual connection. Unlike tf.add it keeps neither of them for its gradient.
 * @param x [N, C] float32
 * @param branch [N, C] float32
 * @returns [N, C] float32
 */
export function residual(x: tf.Tensor2D, branch: tf.Tensor2D): tf.Tensor2D {
  const isSameShape = x.shape[0] === branch.shape[0] && x.shape[1] === branch.shape[1];
  checkShapes(
    'residual',
    { x, branch },
    { 'x and branch are [N, C]': x.rank === 2 && branch.rank === 2 && isSameShape },
  );
  return kernel.run({ x, branch }, {})[0];
}
