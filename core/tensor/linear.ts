import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedGradient } from './fused-gradient.js';
import { fusedKernel } from './fused-kernel.js';
import { sumRows } from './sum-rows.js';

type Inputs = { x: tf.Tensor2D; weight: tf.Tensor2D; bias?: tf.Tensor1D };

const kernel = fusedKernel('Linear', ({ x, weight, bias }: Inputs, _: object): [tf.Tensor2D] => [
  linearRows(x, weight, bias),
]);

const gradXKernel = fusedKernel(
  'LinearGradX',
  ({ dy, weight }: { dy: tf.Tensor2D; weight: tf.Tensor2D }, _: object): [tf.Tensor2D] => [matMul(dy, weight)],
);

const gradWeightKernel = fusedKernel(
  'LinearGradWeight',
  ({ dy, x }: { dy: tf.Tensor2D; x: tf.Tensor2D }, _: object): [tf.Tensor2D] => [matMul(tf.transpose(dy), x)],
);

fusedGradient(kernel, { inputs: ['x', 'weight'] }, ({ dys: [dy], inputs: { x, weight } }) => ({
  x: () => gradXKernel.run({ dy, weight }, {})[0],
  weight: () => linearGradWeight(dy, x),
  bias: () => sumRows(dy),
}));

/**
 * y = x Wᵀ + b.
 * @param x [N, In] float32
 * @param weight [Out, In] float32, the layout of Hugging Face checkpoints
 * @param bias [Out] float32
 * @returns [N, Out] float32
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor2D {
  const rules = {
    'x is [N, In]': x.rank === 2,
    'weight is [Out, In] with the In of x': weight.rank === 2 && weight.shape[1] === x.shape[1],
  };
  if (bias === undefined) {
    checkShapes('linear', { x, weight }, rules);
    return kernel.run({ x, weight }, {})[0];
  }
  const isBias = bias.rank === 1 && bias.shape[0] === weight.shape[0];
  checkShapes('linear', { x, weight, bias }, { ...rules, 'bias is [Out]': isBias });
  return kernel.run({ x, weight, bias }, {})[0];
}

/** dW = dyᵀ x, for gradients: it has none of its own. [Out, In] */
export function linearGradWeight(dy: tf.Tensor2D, x: tf.Tensor2D): tf.Tensor2D {
  return gradWeightKernel.run({ dy, x }, {})[0];
}

/**
 * x Wᵀ + b in tfjs ops, for compositions. The transpose is made outside of matMul because tfjs-wasm has a fast path for plain products
 * only.
 */
export function linearRows(x: tf.Tensor2D, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor2D {
  const product = matMul(x, tf.transpose(weight)); // [N, Out]
  return bias === undefined ? product : tf.add(product, bias);
}

/** A B, in tfjs ops. A product that has a sum over nothing, or nothing to compute, is left out: not every backend takes an empty matrix. */
export function matMul(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  if (a.size === 0 || b.size === 0) return tf.zeros([a.shape[0], b.shape[1]]);
  return tf.matMul(a, b);
}
