import { completeRules } from '../../core/tensor/attention-rules.js';
import type { PackedHeads } from './packed-heads.js';

/** Causal attention by its rules and its gradient, by plain loops in float64. */
export interface PlainAttention {
  readonly out: Float64Array;
  readonly logSumExp: Float64Array;
  readonly dq: Float64Array;
  readonly dk: Float64Array;
  readonly dv: Float64Array;
}

export function plainAttention(x: PackedHeads): PlainAttention {
  const { out, dq } = { out: new Float64Array(x.q.length), dq: new Float64Array(x.q.length) };
  const { dk, dv } = { dk: new Float64Array(x.k.length), dv: new Float64Array(x.k.length) };
  const logSumExp = new Float64Array(x.rows * x.heads);
  const result = { out, logSumExp, dq, dk, dv };
  for (let s = 0; s < x.lengths.length; s++) {
    const [first, end] = [x.offsets[s]!, x.offsets[s + 1]!];
    for (let row = first; row < end; row++)
      for (let head = 0; head < x.heads; head++) attendRow(x, result, { first, row, head });
  }
  return result;
}

function attendRow(x: PackedHeads, to: PlainAttention, at: { first: number; row: number; head: number }): void {
  const { headDim: D, q, k, v, dOut } = x;
  const kvHead = Math.floor((at.head * x.kvHeads) / x.heads);
  const query = (at.row * x.heads + at.head) * D;
  const { scale, softcap, window } = completeRules(x.rules, D);
  const first = window === 0 ? at.first : Math.max(at.first, at.row - window + 1);
  const keys = Array.from({ length: at.row - first + 1 }, (_, j) => ((first + j) * x.kvHeads + kvHead) * D);
  const products = keys.map((key) => dot(q, query, k, key, D) * scale);
  const scores = products.map((product) => (softcap === 0 ? product : softcap * Math.tanh(product / softcap)));
  const high = Math.max(...scores);
  const total = scores.reduce((sum, score) => sum + Math.exp(score - high), 0);
  const weights = scores.map((score) => Math.exp(score - high) / total);
  to.logSumExp[at.row * x.heads + at.head] = high + Math.log(total);
  const dWeights = keys.map((key) => dot(dOut, query, v, key, D));
  const delta = weights.reduce((sum, weight, j) => sum + weight * dWeights[j]!, 0);
  for (const [j, key] of keys.entries()) {
    const slope = softcap === 0 ? 1 : 1 - (scores[j]! / softcap) ** 2;
    const dScore = weights[j]! * (dWeights[j]! - delta) * slope * scale;
    for (let d = 0; d < D; d++) {
      to.out[query + d]! += weights[j]! * v[key + d]!;
      to.dq[query + d]! += dScore * k[key + d]!;
      to.dk[key + d]! += dScore * q[query + d]!;
      to.dv[key + d]! += weights[j]! * dOut[query + d]!;
    }
  }
}

function dot(a: Float32Array, i: number, b: Float32Array, j: number, length: number): number {
  let sum = 0;
  for (let d = 0; d < length; d++) sum += a[i + d]! * b[j + d]!;
  return sum;
}
