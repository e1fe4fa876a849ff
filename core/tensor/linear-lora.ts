import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedGradient } from './fused-gradient.js';
import { fusedKernel } from './fused-kernel.js';
import { linearGradWeight, linearRows, matMul } from './linear.js';
import { sumRows } from './sum-rows.js';

/** The two factors of a low-rank adapter, and what their product is multiplied by. */
export interface Adapter {
  /** [r, In] float32 */
  readonly a: tf.Tensor2D;
  /** [Out, r] float32 */
  readonly b: tf.Tensor2D;
  readonly scale: number;
}

type Inputs = { x: tf.Tensor2D; weight: tf.Tensor2D; bias?: tf.Tensor1D; a: tf.Tensor2D; b: tf.Tensor2D };
type Attributes = { scale: number };
type Matrix = [tf.Tensor2D];

const kernel = fusedKernel('LinearLora', ({ x, weight, bias, a, b }: Inputs, { scale }: Attributes): Matrix => {
  const reduced: tf.Tensor2D = tf.mul(linearRows(x, a), scale); // [N, r]
  return [tf.add(linearRows(x, weight, bias), linearRows(reduced, b))];
});

/** scale · x Aᵀ, or with a factor that is transposed scale · dy B: [N, r]. */
const reducedKernel = fusedKernel(
  'LoraReduced',
  (
    { x, factor }: { x: tf.Tensor2D; factor: tf.Tensor2D },
    { scale, isTransposed }: Attributes & { isTransposed: boolean },
  ): Matrix => [tf.mul(isTransposed ? linearRows(x, factor) : matMul(x, factor), scale)],
);

/** dy W + dReduced A */
const gradXKernel = fusedKernel(
  'LinearLoraGradX',
  ({ dy, weight, dReduced, a }: { [name in 'dy' | 'weight' | 'dReduced' | 'a']: tf.Tensor2D }, _: object): Matrix => [
    tf.add(matMul(dy, weight), matMul(dReduced, a)),
  ],
);

/** The product x Aᵀ is made again instead of having been kept. */
fusedGradient(kernel, { inputs: ['x', 'weight', 'a', 'b'] }, ({ dys: [dy], inputs, attributes: { scale } }) => {
  const { x, weight, a, b } = inputs;
  const [dReduced] = reducedKernel.run({ x: dy, factor: b }, { scale, isTransposed: false }); // [N, r]
  return {
    x: () => gradXKernel.run({ dy, weight, dReduced, a }, {})[0],
    weight: () => linearGradWeight(dy, x),
    bias: () => sumRows(dy),
    a: () => linearGradWeight(dReduced, x),
    b: () => tf.tidy(() => linearGradWeight(dy, reducedKernel.run({ x, factor: a }, { scale, isTransposed: true })[0])),
  };
});

/**
 * y = x Wᵀ + b + scale · (x Aᵀ) Bᵀ: LoRA (Hu et al., arXiv:2106.09685, eq. 3).
 * @param x [N, In] float32
 * @param weight [Out, In] float32, which mostly needs no gradient
 * @param bias [Out] float32
 * @returns [N, Out] float32
 */
export function linearLora(x: tf.Tensor2D, weight: tf.Tensor2D, adapter: Adapter, bias?: tf.Tensor1D): tf.Tensor2D {
  const { a, b, scale } = adapter;
  const isBias = bias === undefined || (bias.rank === 1 && bias.shape[0] === weight.shape[0]);
  checkShapes(
    'linearLora',
    { x, weight, a, b, ...(bias && { bias }) },
    {
      'x is [N, In]': x.rank === 2,
      'weight is [Out, In] with the In of x': weight.rank === 2 && weight.shape[1] === x.shape[1],
      'a is [r, In]': a.rank === 2 && a.shape[1] === x.shape[1],
      'b is [Out, r]': b.rank === 2 && b.shape[0] === weight.shape[0] && b.shape[1] === a.shape[0],
      'bias is [Out]': isBias,
    },
  );
  return kernel.run({ x, weight, a, b, ...(bias && { bias }) }, { scale })[0];
}
