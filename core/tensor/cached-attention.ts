import * as tf from '@tensorflow/tfjs-core';
import { attendRows, firstSeen, rowsPerBlock } from './attend-rows.js';
import { checkHeads, checkOffsets } from './attention.js';
import { type AttentionRules, completeRules } from './attention-rules.js';
import type { CachedPass, LayerPass } from './cached-pass.js';
import { checkShapes } from './check-shapes.js';
import { fusedKernel } from './fused-kernel.js';
import { gather, type HeadRows, scatter } from './head-rows.js';
import { pageLength } from './kv-pages.js';
import { PagedSequence } from './paged-sequence.js';
import { readValues } from './read-values.js';

type Inputs = { q: tf.Tensor3D; k: tf.Tensor3D; v: tf.Tensor3D };

/**
 * Attention of new tokens to the cached ones of their sequence and, causally, to each other: prefill, chunked prefill and decoding in
 * one. First writes the new keys and values into the pages behind the cached ones, of which there are as many as before until the
 * owner counts them in. Has no gradient.
 * @param q [N, H, D] float32, rotated
 * @param k [N, Hkv, D] float32, rotated; H is a multiple of Hkv
 * @param v [N, Hkv, D] float32
 * @returns [N, H, D] float32
 */
export function cachedAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  { layer, ...pass }: LayerPass,
): tf.Tensor3D {
  checkHeads('cachedAttention', { q, k, v });
  checkOffsets('cachedAttention', { q, k, v }, pass.offsets);
  checkPass({ q, k, v }, pass, layer);
  const [out] = cachedAttentionKernel.run({ q, k, v }, { ...pass, layer });
  return out;
}

function checkPass(
  tensors: Inputs,
  { pages, lengths, offsets, blocks, blockOffsets }: CachedPass,
  layer: number,
): void {
  const [, kvHeads, headDim] = tensors.k.shape;
  const { shape } = pages;
  const hasRoom = Array.from(lengths).every((length, s) => {
    const positions = length + (offsets[s + 1] ?? 0) - (offsets[s] ?? 0);
    return ((blockOffsets[s + 1] ?? 0) - (blockOffsets[s] ?? 0)) * pageLength >= positions;
  });
  checkShapes('cachedAttention', tensors, {
    [`Hkv and D are those of the pages, ${shape.numKeyValueHeads} and ${shape.headDim}`]:
      kvHeads === shape.numKeyValueHeads && headDim === shape.headDim,
    [`layer ${layer} is one of ${shape.numHiddenLayers}`]: layer >= 0 && layer < shape.numHiddenLayers,
    [`${lengths.length} lengths, ${offsets.length} offsets and ${blockOffsets.length} block offsets are of as many sequences`]:
      offsets.length === lengths.length + 1 && blockOffsets.length === lengths.length + 1,
    'a sequence has pages for all of its positions':
      hasRoom && (blockOffsets[blockOffsets.length - 1] ?? 0) <= blocks.length,
  });
}

/** So many new rows of a sequence are worth products of matrices; fewer are attended one score at a time. */
const rowsOfMatrix = 8;

/** -> [N, H, D]. How a sequence is computed depends on its own rows alone, so its numbers do as well. */
const cachedAttentionKernel = fusedKernel(
  'CachedAttention',
  ({ q, k, v }: Inputs, { layer, ...pass }: LayerPass): [tf.Tensor3D] => {
    const rules = completeRules(pass, q.shape[2]);
    const [qs, ks, vs] = [readValues(q), readValues(k), readValues(v)];
    const out = new Float32Array(q.size); // [N, H, D]
    for (let s = 0; s < pass.lengths.length; s++) {
      const blocks = pass.blocks.subarray(pass.blockOffsets[s], pass.blockOffsets[s + 1]);
      const sequence = new PagedSequence(pass.pages, blocks, { length: pass.lengths[s] ?? 0, layer });
      const firstRow = pass.offsets[s] ?? 0;
      const rows = (pass.offsets[s + 1] ?? 0) - firstRow;
      sequence.append(ks, vs, firstRow, rows);
      const heads = { firstRow, rows, heads: q.shape[1], headDim: q.shape[2], qs, out, rules };
      if (rows >= rowsOfMatrix) attendInBlocks(sequence, heads);
      else attendEach(sequence, heads);
    }
    return [tf.tensor3d(out, q.shape)];
  },
);

/** The new rows of one sequence in q and out ([N, H, D]). */
interface NewRows extends Pick<HeadRows, 'firstRow' | 'rows' | 'heads' | 'headDim'> {
  readonly qs: Float32Array;
  readonly out: Float32Array;
  readonly rules: Required<AttentionRules>;
}

/** As training computes it: the same products over the same blocks of rows, after the cached ones. */
function attendInBlocks(sequence: PagedSequence, { qs, out, rules, ...all }: NewRows): void {
  const group = all.heads / sequence.kvHeads;
  for (let start = 0; start < all.rows; start += rowsPerBlock) {
    const rows = Math.min(rowsPerBlock, all.rows - start);
    const position = sequence.length + start;
    const seen = { from: firstSeen(position, rules.window), to: position + rows };
    const past = position - seen.from;
    for (let kvHead = 0; kvHead < sequence.kvHeads; kvHead++) {
      const piece = { ...all, firstRow: all.firstRow + start, rows, firstHead: kvHead * group, count: group };
      const keysTransposed = sequence.keysTransposed(kvHead, seen);
      const values = sequence.values(kvHead, seen);
      const queries = gather(qs, piece);
      const attended = attendRows({ queries, keysTransposed, values, rows, past, headDim: all.headDim }, rules);
      scatter(attended.out, out, piece);
    }
  }
}

function attendEach(sequence: PagedSequence, { qs, out, rules, ...all }: NewRows): void {
  const group = all.heads / sequence.kvHeads;
  for (let row = 0; row < all.rows; row++) {
    const position = sequence.length + row;
    const seen = { from: firstSeen(position, rules.window), to: position + 1 };
    for (let head = 0; head < all.heads; head++) {
      const start = ((all.firstRow + row) * all.heads + head) * all.headDim;
      const end = start + all.headDim;
      const [query, sums] = [qs.subarray(start, end), out.subarray(start, end)];
      sequence.attend(Math.floor(head / group), seen, { query, out: sums, ...rules });
    }
  }
}
