import * as tf from '@tensorflow/tfjs-core';
import { attendRows, attendRowsGrad, firstSeen, type RowBlock, rowsPerBlock } from './attend-rows.js';
import { type AttentionRules, completeRules } from './attention-rules.js';
import { checkShapes } from './check-shapes.js';
import { fusedGradient } from './fused-gradient.js';
import { fusedKernel } from './fused-kernel.js';
import { addTransposed, gather, gatherTransposed, type HeadRows, scatter } from './head-rows.js';
import { readValues } from './read-values.js';

/**
 * Causal grouped-query attention (Ainslie et al., arXiv:2305.13245) within each of the sequences laid end to end: query head h reads
 * key head floor(h · Hkv / H), scores are divided by sqrt(D) unless rules say otherwise. A sequence's numbers depend on itself alone.
 * @param q [N, H, D] float32, rotated
 * @param k [N, Hkv, D] float32, rotated; H is a multiple of Hkv
 * @param v [N, Hkv, D] float32
 * @param offsets [S + 1], ascending from 0 to N: sequence s is the rows from offsets[s] up to offsets[s + 1]
 * @returns [N, H, D] float32
 */
export function attention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  offsets: Int32Array,
  rules: AttentionRules = {},
): tf.Tensor3D {
  checkHeads('attention', { q, k, v });
  checkOffsets('attention', { q, k, v }, offsets);
  const [out, logSumExp] = attentionKernel.run({ q, k, v }, { ...rules, offsets });
  logSumExp.dispose();
  return out;
}

/** Throws a RangeError unless q, k and v are heads of the same rows. */
export function checkHeads(op: string, tensors: Inputs): void {
  const { q, k, v } = tensors;
  checkShapes(op, tensors, {
    'q is [N, H, D], k and v are [N, Hkv, D]': [q, k, v].every(({ rank }) => rank === 3),
    'k and v have one shape': tf.util.arraysEqual(k.shape, v.shape),
    'q and k have the same N': q.shape[0] === k.shape[0],
    'q and k have the same D': q.shape[2] === k.shape[2],
    'H is a multiple of Hkv': q.shape[1] % k.shape[1] === 0,
  });
}

/** Throws a RangeError unless the offsets ascend from 0 to the rows of q. */
export function checkOffsets(op: string, tensors: Inputs, offsets: Int32Array): void {
  checkShapes(op, tensors, {
    [`offsets ascend from 0 to N, unlike [${offsets.join(', ')}]`]:
      offsets[0] === 0 &&
      offsets[offsets.length - 1] === tensors.q.shape[0] &&
      offsets.every((offset, s) => s === 0 || offset >= (offsets[s - 1] ?? 0)),
  });
}

/** Where each of S sequences begins, and how they are attended. */
export interface SequenceRules extends AttentionRules {
  /** [S + 1], ascending from 0 to N. */
  readonly offsets: Int32Array;
}

type Inputs = { q: tf.Tensor3D; k: tf.Tensor3D; v: tf.Tensor3D };

/** -> out [N, H, D], logSumExp [N, H] of the scores: what the gradient needs to make the weights again. */
const attentionKernel = fusedKernel(
  'Attention',
  ({ q, k, v }: Inputs, { offsets, ...given }: SequenceRules): [tf.Tensor3D, tf.Tensor2D] => {
    const [rows, heads, headDim] = q.shape;
    const rules = completeRules(given, headDim);
    const [qs, ks, vs] = [readValues(q), readValues(k), readValues(v)];
    const out = new Float32Array(q.size); // [N, H, D]
    const logSumExp = new Float32Array(rows * heads); // [N, H]
    for (const pieces of blocks(q.shape, k.shape, { ...rules, offsets })) {
      const attended = attendRows(cut(pieces, { qs, ks, vs }), rules);
      scatter(attended.out, out, pieces.queries);
      scatter(attended.logSumExp, logSumExp, { ...pieces.queries, headDim: 1 });
    }
    return [tf.tensor3d(out, q.shape), tf.tensor2d(logSumExp, [rows, heads])];
  },
);

type GradInputs = Inputs & { dOut: tf.Tensor3D; out: tf.Tensor3D; logSumExp: tf.Tensor2D };

/** -> dq, dk, dv, each of its input's shape. */
const attentionGradKernel = fusedKernel(
  'AttentionGrad',
  (inputs: GradInputs, { offsets, ...given }: SequenceRules): [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D] => {
    const { q, k, v } = inputs;
    const rules = completeRules(given, q.shape[2]);
    const [qs, ks, vs] = [readValues(q), readValues(k), readValues(v)];
    const [outs, dOuts, sums] = [readValues(inputs.out), readValues(inputs.dOut), readValues(inputs.logSumExp)];
    const [dq, dk, dv] = [new Float32Array(q.size), new Float32Array(k.size), new Float32Array(v.size)];
    for (const pieces of blocks(q.shape, k.shape, { ...rules, offsets })) {
      const gradients = attendRowsGrad(cut(pieces, { qs, ks, vs }), rules, {
        out: gather(outs, pieces.queries),
        dOut: gather(dOuts, pieces.queries),
        queriesTransposed: gatherTransposed(qs, pieces.queries),
        dOutTransposed: gatherTransposed(dOuts, pieces.queries),
        logSumExp: gather(sums, { ...pieces.queries, headDim: 1 }),
        valuesTransposed: gatherTransposed(vs, pieces.keys),
        keys: gather(ks, pieces.keys),
      });
      scatter(gradients.dq, dq, pieces.queries);
      addTransposed(gradients.dkTransposed, dk, pieces.keys);
      addTransposed(gradients.dvTransposed, dv, pieces.keys);
    }
    return [tf.tensor3d(dq, q.shape), tf.tensor3d(dk, k.shape), tf.tensor3d(dv, v.shape)];
  },
);

fusedGradient(
  attentionKernel,
  { inputs: ['q', 'k', 'v'], outputs: [true, true] },
  ({ dys: [dOut], inputs, outputs: [out, logSumExp], attributes }) => {
    const [dq, dk, dv] = attentionGradKernel.run({ dOut, out, logSumExp, ...inputs }, attributes);
    return { q: () => dq, k: () => dk, v: () => dv };
  },
);

/** Where one block of a sequence and key head lies: its query rows, and the keys that they see, up to its last one. */
interface Pieces {
  readonly queries: HeadRows;
  readonly keys: HeadRows;
}

function* blocks(
  [, heads, headDim]: readonly [number, number, number],
  [, kvHeads]: readonly [number, number, number],
  { offsets, window }: Required<SequenceRules>,
): Iterable<Pieces> {
  const group = heads / kvHeads;
  for (let s = 0; s + 1 < offsets.length; s++) {
    const [firstRow, end] = [offsets[s] ?? 0, offsets[s + 1] ?? 0];
    for (let start = firstRow; start < end; start += rowsPerBlock) {
      const rows = Math.min(rowsPerBlock, end - start);
      const firstKey = firstRow + firstSeen(start - firstRow, window);
      for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
        yield {
          queries: { firstRow: start, rows, heads, headDim, firstHead: kvHead * group, count: group },
          keys: {
            firstRow: firstKey,
            rows: start - firstKey + rows,
            heads: kvHeads,
            headDim,
            firstHead: kvHead,
            count: 1,
          },
        };
      }
    }
  }
}

function cut(
  { queries, keys }: Pieces,
  { qs, ks, vs }: { readonly qs: Float32Array; readonly ks: Float32Array; readonly vs: Float32Array },
): RowBlock {
  return {
    queries: gather(qs, queries),
    keysTransposed: gatherTransposed(ks, keys),
    values: gather(vs, keys),
    rows: queries.rows,
    past: keys.rows - queries.rows,
    headDim: keys.headDim,
  };
}
