import type * as tf from '@tensorflow/tfjs-core';
import { attention } from '../tensor/attention.js';
import { type CachedPass, cachedAttention } from '../tensor/cached-attention.js';

/**
 * How the tokens of one forward pass see each other and the past.
 * @param q [N, H, D] float32, rotated
 * @param k [N, Hkv, D] float32, rotated
 * @param v [N, Hkv, D] float32
 * @returns [N, H, D] float32
 */
export type Attend = (layer: number, q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => tf.Tensor3D;

/** Attention among whole sequences laid end to end, from position 0: training. Sequence s ends before row offsets[s + 1]. */
export function attendWithin(offsets: Int32Array): Attend {
  return (_layer, q, k, v) => attention(q, k, v, offsets);
}

/** Attention of new tokens to the pages of their sequences, into which they are written: sampling. */
export function attendToPages(pass: CachedPass): Attend {
  return (layer, q, k, v) => cachedAttention(q, k, v, { ...pass, layer });
}
