import * as tf from '@tensorflow/tfjs-core';
import { batchMatMul, transposeMatrices } from './batch-mat-mul.js';
import { differentiable } from './differentiable.js';

/** The sizes B, T, H, Hkv and D of one call. */
interface Heads {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/**
 * Causal grouped-query attention (Ainslie et al., arXiv:2305.13245): query head h reads key/value head floor(h · Hkv / H).
 * Sequences start at position 0 and are padded on the right, so the causal mask alone keeps padding out of real tokens.
 * @param q [B, T, H, D] float32, rotated
 * @param k [B, T, Hkv, D] float32, rotated; H is a multiple of Hkv
 * @param v [B, T, Hkv, D] float32
 * @returns [B, T, H, D] float32
 */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D): tf.Tensor4D {
  const [batch, length, heads, headDim] = q.shape;
  const size: Heads = { batch, length, heads, kvHeads: k.shape[2], headDim };
  const scale = 1 / Math.sqrt(headDim);
  return differentiable([q, k, v], () => {
    const qGroups = foldQuery(tf.mul(q, scale), size); // [B*Hkv, G*T, D]
    const kGroups = foldKeyValue(k, size); // [B*Hkv, T, D]
    const vGroups = foldKeyValue(v, size); // [B*Hkv, T, D]
    const scores: tf.Tensor3D = tf.add(batchMatMul(qGroups, transposeMatrices(kGroups)), causalMask(size)); // [B*Hkv, G*T, T]
    const weights = tf.softmax(scores); // [B*Hkv, G*T, T]
    return {
      value: unfoldQuery(batchMatMul(weights, vGroups), size),
      saved: { qGroups, kGroups, vGroups, weights },
      gradient: (dy, { qGroups, kGroups, vGroups, weights }) => {
        const dOut = foldQuery(dy, size); // [B*Hkv, G*T, D]
        const dv = batchMatMul(transposeMatrices(weights), dOut); // [B*Hkv, T, D]
        const dWeights = batchMatMul(dOut, transposeMatrices(vGroups)); // [B*Hkv, G*T, T]
        const weighted: tf.Tensor3D = tf.mul(dWeights, weights); // [B*Hkv, G*T, T]
        const dScores: tf.Tensor3D = tf.sub(weighted, tf.mul(weights, tf.sum(weighted, -1, true))); // [B*Hkv, G*T, T]
        const dq: tf.Tensor3D = tf.mul(batchMatMul(dScores, kGroups), scale); // [B*Hkv, G*T, D]
        const dk = batchMatMul(transposeMatrices(dScores), qGroups); // [B*Hkv, T, D]
        return [unfoldQuery(dq, size), unfoldKeyValue(dk, size), unfoldKeyValue(dv, size)];
      },
    };
  });
}

/** [B, T, H, D] -> [B*Hkv, G*T, D], G = H / Hkv: the queries that share a key head become rows of one matrix. */
function foldQuery(x: tf.Tensor4D, s: Heads): tf.Tensor3D {
  const group = s.heads / s.kvHeads;
  const split = tf.reshape(x, [s.batch, s.length, s.kvHeads, group, s.headDim]);
  return tf.reshape(tf.transpose(split, [0, 2, 3, 1, 4]), [s.batch * s.kvHeads, group * s.length, s.headDim]);
}

function unfoldQuery(x: tf.Tensor3D, s: Heads): tf.Tensor4D {
  const group = s.heads / s.kvHeads;
  const split = tf.reshape(x, [s.batch, s.kvHeads, group, s.length, s.headDim]);
  return tf.reshape(tf.transpose(split, [0, 3, 1, 2, 4]), [s.batch, s.length, s.heads, s.headDim]);
}

/** [B, T, Hkv, D] -> [B*Hkv, T, D] */
function foldKeyValue(x: tf.Tensor4D, s: Heads): tf.Tensor3D {
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [s.batch * s.kvHeads, s.length, s.headDim]);
}

function unfoldKeyValue(x: tf.Tensor3D, s: Heads): tf.Tensor4D {
  return tf.transpose(tf.reshape(x, [s.batch, s.kvHeads, s.length, s.headDim]), [0, 2, 1, 3]);
}

/** [1, G*T, T]: 0 where the key is not after the query, else a number whose exponential is exactly 0. */
function causalMask(s: Heads): tf.Tensor3D {
  const group = s.heads / s.kvHeads;
  const mask = new Float32Array(group * s.length * s.length);
  for (let row = 0; row < group * s.length; row++) {
    mask.fill(-1e9, row * s.length + (row % s.length) + 1, (row + 1) * s.length);
  }
  return tf.tensor3d(mask, [1, group * s.length, s.length]);
}
