import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedGradient } from './fused-gradient.js';
import { fusedKernel } from './fused-kernel.js';
import { sumRows } from './sum-rows.js';

type Inputs = { x: tf.Tensor2D; weight: tf.Tensor1D };
type Attributes = { eps: number; offset: number };

const kernel = fusedKernel('RMSNorm', ({ x, weight }: Inputs, { eps, offset }: Attributes): [tf.Tensor2D] => [
  tf.mul(tf.mul(x, inverseNorm(x, eps)), factors(weight, offset)),
]);

const gradKernel = fusedKernel(
  'RMSNormGrad',
  ({ dy, x, weight }: Inputs & { dy: tf.Tensor2D }, { eps, offset }: Attributes): [tf.Tensor2D, tf.Tensor1D] => {
    const scale = inverseNorm(x, eps); // [N, 1]
    const normed: tf.Tensor2D = tf.mul(x, scale); // [N, C]
    const dNormed = tf.mul(dy, factors(weight, offset)); // [N, C]
    const projection = tf.mean(tf.mul(dNormed, normed), 1, true); // [N, 1]
    const dx: tf.Tensor2D = tf.mul(tf.sub(dNormed, tf.mul(normed, projection)), scale); // [N, C]
    return [dx, sumRows(tf.mul(dy, normed))];
  },
);

fusedGradient(kernel, { inputs: ['x', 'weight'] }, ({ dys: [dy], inputs, attributes }) => {
  const [dx, dWeight] = gradKernel.run({ dy, ...inputs }, attributes);
  return { x: () => dx, weight: () => dWeight };
});

/**
 * RMSNorm (Zhang & Sennrich, arXiv:1910.07467, eq. 4): y = x / sqrt(mean(x²) + eps) · (offset + weight), over the last axis.
 * @param x [N, C] float32
 * @param weight [C] float32
 * @param offset 1 where weights are stored as what they are above 1 (Gemma)
 * @returns [N, C] float32
 */
export function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor1D, eps: number, offset = 0): tf.Tensor2D {
  checkShapes(
    'rmsNorm',
    { x, weight },
    { 'x is [N, C]': x.rank === 2, 'weight is [C]': weight.rank === 1 && weight.shape[0] === x.shape[1] },
  );
  return kernel.run({ x, weight }, { eps, offset })[0];
}

/** [C] */
function factors(weight: tf.Tensor1D, offset: number): tf.Tensor1D {
  return offset === 0 ? weight : tf.add(weight, offset);
}

/** [N, 1]: 1 / sqrt(mean(x²) + eps) */
function inverseNorm(x: tf.Tensor2D, eps: number): tf.Tensor {
  return tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), eps));
}
