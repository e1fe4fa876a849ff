import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../core/rng.js';
import type { AttentionRules } from '../../core/tensor/attention-rules.js';
import { runKernel } from './run-kernel.js';

/** Sequences laid end to end, with random heads. */
export interface PackedHeads {
  readonly lengths: readonly number[];
  readonly offsets: Int32Array;
  readonly rows: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rules: AttentionRules;
  /** [N, H, D] */
  readonly q: Float32Array;
  readonly dOut: Float32Array;
  /** [N, Hkv, D] */
  readonly k: Float32Array;
  readonly v: Float32Array;
}

interface Sizes {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rules?: AttentionRules;
}

/** Uniform in [-scale, scale). */
export function packedHeads(
  lengths: readonly number[],
  { heads, kvHeads, headDim, rules = {} }: Sizes,
  scale = 2,
): PackedHeads {
  const rng = new Rng(7);
  const rows = lengths.reduce((sum, length) => sum + length, 0);
  const values = (size: number) => Float32Array.from({ length: size }, () => (rng.float() * 2 - 1) * scale);
  const offsets = offsetsOf(lengths);
  const [q, dOut] = [values(rows * heads * headDim), values(rows * heads * headDim)];
  const [k, v] = [values(rows * kvHeads * headDim), values(rows * kvHeads * headDim)];
  return { lengths, offsets, rows, heads, kvHeads, headDim, rules, q, dOut, k, v };
}

export function offsetsOf(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1);
  for (const [s, length] of lengths.entries()) offsets[s + 1] = (offsets[s] ?? 0) + length;
  return offsets;
}

/** Sequence s alone. */
export function sequenceOf(x: PackedHeads, s: number): PackedHeads {
  const [from, to] = [x.offsets[s] ?? 0, x.offsets[s + 1] ?? 0];
  const cut = (values: Float32Array) => values.slice((from * values.length) / x.rows, (to * values.length) / x.rows);
  const lengths = [to - from];
  const cuts = { q: cut(x.q), k: cut(x.k), v: cut(x.v), dOut: cut(x.dOut) };
  return { ...x, ...cuts, lengths, offsets: offsetsOf(lengths), rows: to - from };
}

/** Kernel Attention: out and logSumExp. */
export function attend(x: PackedHeads): { readonly out: Float32Array; readonly logSumExp: Float32Array } {
  return tf.tidy(() => {
    const [out = [], logSumExp = []] = runKernel('Attention', headTensors(x), { offsets: x.offsets, ...x.rules });
    return { out: Float32Array.from(out), logSumExp: Float32Array.from(logSumExp) };
  });
}

/** Kernel AttentionGrad after Attention. */
export function attendGrad(x: PackedHeads): { readonly [name in 'dq' | 'dk' | 'dv']: Float32Array } {
  const { rows, heads, headDim, offsets, rules } = x;
  const saved = attend(x);
  return tf.tidy(() => {
    const dOut = tf.tensor3d(x.dOut, [rows, heads, headDim]);
    const out = tf.tensor3d(saved.out, [rows, heads, headDim]);
    const logSumExp = tf.tensor2d(saved.logSumExp, [rows, heads]);
    const inputs = { ...headTensors(x), dOut, out, logSumExp };
    const [dq = [], dk = [], dv = []] = runKernel('AttentionGrad', inputs, { offsets, ...rules });
    return { dq: Float32Array.from(dq), dk: Float32Array.from(dk), dv: Float32Array.from(dv) };
  });
}

export function headTensors({ q, k, v, rows, heads, kvHeads, headDim }: PackedHeads) {
  return {
    q: tf.tensor3d(q, [rows, heads, headDim]),
    k: tf.tensor3d(k, [rows, kvHeads, headDim]),
    v: tf.tensor3d(v, [rows, kvHeads, headDim]),
  };
}
