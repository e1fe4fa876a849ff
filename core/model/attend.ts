import type * as tf from '@tensorflow/tfjs-core';
import { attention } from '../tensor/attention.js';
import type { AttentionRules } from '../tensor/attention-rules.js';
import { cachedAttention } from '../tensor/cached-attention.js';
import type { CachedPass } from '../tensor/cached-pass.js';

/** Heads of N tokens; queries and keys are rotated. */
export interface Heads {
  /** [N, H, D] float32 */
  readonly q: tf.Tensor3D;
  /** [N, Hkv, D] float32 */
  readonly k: tf.Tensor3D;
  /** [N, Hkv, D] float32 */
  readonly v: tf.Tensor3D;
}

/**
 * How the tokens of one forward pass see each other and the past.
 * @returns [N, H, D] float32
 */
export type Attend = (layer: number, heads: Heads, rules: AttentionRules) => tf.Tensor3D;

/** Attention among whole sequences laid end to end, from position 0: training. Sequence s ends before row offsets[s + 1]. */
export function attendWithin(offsets: Int32Array): Attend {
  return (_layer, { q, k, v }, rules) => attention(q, k, v, offsets, rules);
}

/** Attention of new tokens to the pages of their sequences, into which they are written: sampling. */
export function attendToPages(pass: CachedPass): Attend {
  return (layer, { q, k, v }, rules) => cachedAttention(q, k, v, { ...pass, ...rules, layer });
}
