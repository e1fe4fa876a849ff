import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedKernel } from './fused-kernel.js';

/** Row by row first: one long float32 sum would lose what is added to it once it is large. */
const kernel = fusedKernel('SquaredNorm', ({ x }: { x: tf.Tensor }, _: object): [tf.Scalar] => {
  if (x.size === 0) return [tf.scalar(0)]; // which tfjs-wasm would read from beyond the end
  const squares = tf.square(x);
  return [tf.sum(x.rank > 1 ? tf.sum(squares, -1) : squares)];
});

/**
 * The Euclidean norm of all tensors taken as one vector; 0 for none. NaN or infinite when an entry is, or when the squares of one
 * tensor exceed the range of float32.
 * @param tensors of any shapes, float32
 */
export async function globalNorm(tensors: readonly tf.Tensor[]): Promise<number> {
  if (tensors.length === 0) return 0;
  for (const tensor of tensors)
    checkShapes('globalNorm', { tensor }, { 'a tensor is float32': tensor.dtype === 'float32' });
  const squares = tf.tidy(() => tf.stack(tensors.map((x) => kernel.run({ x }, {})[0]))); // one a tensor
  const values = await squares.data();
  squares.dispose();
  let sum = 0;
  for (const value of values) sum += value;
  return Math.sqrt(sum);
}
