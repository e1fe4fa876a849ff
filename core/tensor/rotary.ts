import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/** cos and sin of the rotation angles, one row a token. */
export interface RotaryTable {
  /** [N, 1, D/2] float32 */
  readonly cos: tf.Tensor3D;
  /** [N, 1, D/2] float32 */
  readonly sin: tf.Tensor3D;
}

/**
 * Angles of rotary position embedding (Su et al., arXiv:2104.09864, section 3.2.2) for tokens at the given absolute positions.
 * @param positions one entry a token, >= 0
 * @param headDim even
 */
export function rotaryTable(maxPositions: number, headDim: number, theta: number): RotaryTable {
  const half = headDim / 2;
  const cos = new Float32Array(maxPositions * half);
  const sin = new Float32Array(maxPositions * half);
  for (let position = 0; position < maxPositions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * theta ** (-i / half);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  const shape: [number, number, number] = [maxPositions, 1, half];
  return { cos: tf.tensor3d(cos, shape), sin: tf.tensor3d(sin, shape) };
}

export function rotary(x: tf.Tensor3D, table: RotaryTable, positions: tf.Tensor1D): tf.Tensor3D {
  return differentiable([x], () => {
    const [cos, sin] = [tf.gather(table.cos, positions), tf.gather(table.sin, positions)];
    return {
      value: rotate(x, cos, sin),
      saved: { cos, sin },
      gradient: (dy, { cos, sin }) => {
        return [rotate(dy, cos, tf.neg(sin))];
      },
    };
  });
}

function rotate(x: tf.Tensor3D, cos: tf.Tensor3D, sin: tf.Tensor3D): tf.Tensor3D {
  const [rows, heads, headDim] = x.shape;
  const half = headDim / 2;
  const first = tf.slice3d(x, [0, 0, 0], [rows, heads, half]); // [N, H, D/2]
  const second = tf.slice3d(x, [0, 0, half], [rows, heads, half]); // [N, H, D/2]
  const rotatedFirst: tf.Tensor3D = tf.sub(tf.mul(first, cos), tf.mul(second, sin));
  const rotatedSecond: tf.Tensor3D = tf.add(tf.mul(second, cos), tf.mul(first, sin));
  return tf.concat3d([rotatedFirst, rotatedSecond], 2);
}
