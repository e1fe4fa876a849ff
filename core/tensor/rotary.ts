import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedGradient } from './fused-gradient.js';
import { fusedKernel } from './fused-kernel.js';

/** cos and sin of the rotation angles, one row an absolute position; the caller owns both. */
export type RotaryTable = {
  /** [P, D/2] float32 */
  readonly cos: tf.Tensor2D;
  /** [P, D/2] float32 */
  readonly sin: tf.Tensor2D;
};

type Inputs = RotaryTable & { x: tf.Tensor3D; positions: tf.Tensor1D };

const kernel = fusedKernel(
  'Rotary',
  ({ x, cos, sin, positions }: Inputs, { inverse }: { inverse: boolean }): [tf.Tensor3D] => {
    const [rows, heads, headDim] = x.shape;
    const half = headDim / 2;
    if (rows === 0) return [tf.zeros([0, heads, headDim])];
    const cosines = tf.expandDims(tf.gather(cos, positions), 1); // [N, 1, D/2]
    const turns = tf.expandDims(tf.gather(sin, positions), 1); // [N, 1, D/2]
    const sines = inverse ? tf.neg(turns) : turns; // [N, 1, D/2]
    const first = tf.slice3d(x, [0, 0, 0], [rows, heads, half]); // [N, H, D/2]
    const second = tf.slice3d(x, [0, 0, half], [rows, heads, half]); // [N, H, D/2]
    const rotatedFirst: tf.Tensor3D = tf.sub(tf.mul(first, cosines), tf.mul(second, sines)); // [N, H, D/2]
    const rotatedSecond: tf.Tensor3D = tf.add(tf.mul(second, cosines), tf.mul(first, sines)); // [N, H, D/2]
    return [tf.concat3d([rotatedFirst, rotatedSecond], 2)];
  },
);

fusedGradient(kernel, { inputs: ['cos', 'sin', 'positions'] }, ({ dys: [dy], inputs, attributes }) => ({
  x: () => kernel.run({ x: dy, ...inputs }, { inverse: !attributes.inverse })[0],
}));

/**
 * Cosines and sines of the angles of the positions 0 to maxPositions - 1 (Su et al., arXiv:2104.09864, section 3.2.2).
 * @param frequencies D/2 angles a position, in radians
 * @param attentionFactor what both are multiplied by
 */
export function rotaryTable(
  maxPositions: number,
  { frequencies, attentionFactor }: { readonly frequencies: readonly number[]; readonly attentionFactor: number },
): RotaryTable {
  const half = frequencies.length;
  const cos = new Float32Array(maxPositions * half);
  const sin = new Float32Array(maxPositions * half);
  for (const [i, frequency] of frequencies.entries()) {
    for (let position = 0; position < maxPositions; position++) {
      cos[position * half + i] = attentionFactor * Math.cos(position * frequency);
      sin[position * half + i] = attentionFactor * Math.sin(position * frequency);
    }
  }
  return { cos: tf.tensor2d(cos, [maxPositions, half]), sin: tf.tensor2d(sin, [maxPositions, half]) };
}

/**
 * Rotates each head's vector by the angles of its token's position; dimension i is paired with i + D/2, as in Hugging Face
 * checkpoints.
 * @param x [N, H, D] float32
 * @param positions [N] int32, each in [0, P)
 * @returns [N, H, D] float32
 */
export function rotary(x: tf.Tensor3D, { cos, sin }: RotaryTable, positions: tf.Tensor1D): tf.Tensor3D {
  const isTable = (table: tf.Tensor2D): boolean => table.rank === 2 && 2 * table.shape[1] === x.shape[2];
  checkShapes(
    'rotary',
    { x, cos, sin, positions },
    {
      'x is [N, H, D]': x.rank === 3,
      'cos and sin are [P, D/2]': isTable(cos) && isTable(sin) && cos.shape[0] === sin.shape[0],
      'positions is [N] int32':
        positions.rank === 1 && positions.shape[0] === x.shape[0] && positions.dtype === 'int32',
    },
  );
  return kernel.run({ x, cos, sin, positions }, { inverse: false })[0];
}
