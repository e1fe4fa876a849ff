import * as tf from '@tensorflow/tfjs-core';
import { attendRows, rowsPerBlock } from './attend-rows.js';
import { checkHeads, checkOffsets } from './attention.js';
import { checkShapes } from './check-shapes.js';
import { fusedKernel } from './fused-kernel.js';
import { gather, type HeadRows, scatter } from './head-rows.js';
import { type KvPages, pageLength } from './kv-pages.js';
import { readValues } from './read-values.js';

/** Which new tokens belong to which cached sequence, S of them. */
export interface CachedPass {
  readonly pages: KvPages;
  /** [S]: positions of each sequence that are in its pages already. */
  readonly lengths: Int32Array;
  /** [S + 1], ascending from 0 to N: the new tokens of sequence s are the rows from offsets[s] up to offsets[s + 1]. */
  readonly offsets: Int32Array;
  /** Page numbers; those of sequence s begin at blocks[blockOffsets[s]], enough for its cached and new positions. */
  readonly blocks: Int32Array;
  /** [S + 1] */
  readonly blockOffsets: Int32Array;
}

type Inputs = { q: tf.Tensor3D; k: tf.Tensor3D; v: tf.Tensor3D };

/** The same for one layer. */
export type LayerPass = CachedPass & { readonly layer: number };

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
    const [qs, ks, vs] = [readValues(q), readValues(k), readValues(v)];
    const out = new Float32Array(q.size); // [N, H, D]
    for (let s = 0; s < pass.lengths.length; s++) {
      const sequence = new PagedSequence(pass, s, layer);
      const firstRow = pass.offsets[s] ?? 0;
      const rows = (pass.offsets[s + 1] ?? 0) - firstRow;
      sequence.append(ks, vs, firstRow, rows);
      const heads = { firstRow, rows, heads: q.shape[1], headDim: q.shape[2] };
      if (rows >= rowsOfMatrix) attendInBlocks(sequence, qs, out, heads);
      else attendEach(sequence, qs, out, heads);
    }
    return [tf.tensor3d(out, q.shape)];
  },
);

/** The new rows of one sequence in q. */
type NewRows = Pick<HeadRows, 'firstRow' | 'rows' | 'heads' | 'headDim'>;

/** As training computes it: the same products over the same blocks of rows, after the cached ones. */
function attendInBlocks(sequence: PagedSequence, qs: Float32Array, out: Float32Array, all: NewRows): void {
  const group = all.heads / sequence.kvHeads;
  for (let start = 0; start < all.rows; start += rowsPerBlock) {
    const rows = Math.min(rowsPerBlock, all.rows - start);
    const past = sequence.length + start;
    for (let kvHead = 0; kvHead < sequence.kvHeads; kvHead++) {
      const piece = { ...all, firstRow: all.firstRow + start, rows, firstHead: kvHead * group, count: group };
      const keysTransposed = sequence.keysTransposed(kvHead, past + rows);
      const values = sequence.values(kvHead, past + rows);
      const queries = gather(qs, piece);
      const attended = attendRows({ queries, keysTransposed, values, rows, past, headDim: all.headDim });
      scatter(attended.out, out, piece);
    }
  }
}

function attendEach(sequence: PagedSequence, qs: Float32Array, out: Float32Array, all: NewRows): void {
  const group = all.heads / sequence.kvHeads;
  for (let row = 0; row < all.rows; row++) {
    const weights = new Float64Array(sequence.length + row + 1);
    for (let head = 0; head < all.heads; head++) {
      const start = ((all.firstRow + row) * all.heads + head) * all.headDim;
      const end = start + all.headDim;
      sequence.attend(Math.floor(head / group), qs.subarray(start, end), { weights, out: out.subarray(start, end) });
    }
  }
}

/** One sequence's keys and values of one layer, wherever their pages are. */
class PagedSequence {
  readonly length: number;
  readonly kvHeads: number;
  readonly #pages: KvPages;
  readonly #layer: number;
  readonly #blocks: Int32Array;

  constructor({ pages, lengths, blocks, blockOffsets }: CachedPass, s: number, layer: number) {
    this.length = lengths[s] ?? 0;
    this.kvHeads = pages.shape.numKeyValueHeads;
    this.#pages = pages;
    this.#layer = layer;
    this.#blocks = blocks.subarray(blockOffsets[s], blockOffsets[s + 1]);
  }

  /** Writes rows of k and v ([N, Hkv, D]) behind the cached positions. */
  append(ks: Float32Array, vs: Float32Array, firstRow: number, rows: number): void {
    const { headDim } = this.#pages.shape;
    for (let kvHead = 0; kvHead < this.kvHeads; kvHead++) {
      for (let row = 0; row < rows; row++) {
        const position = this.length + row;
        const from = ((firstRow + row) * this.kvHeads + kvHead) * headDim;
        const slot = position % pageLength;
        const { keys, values } = this.#page(Math.floor(position / pageLength), kvHead);
        for (let i = 0; i < headDim; i++) {
          keys[i * pageLength + slot] = ks[from + i] ?? 0;
          values[slot * headDim + i] = vs[from + i] ?? 0;
        }
      }
    }
  }

  /** [D, count]: the keys of the first `count` positions. */
  keysTransposed(kvHead: number, count: number): Float32Array {
    const { headDim } = this.#pages.shape;
    const out = new Float32Array(headDim * count);
    for (let start = 0; start < count; start += pageLength) {
      const { keys } = this.#page(start / pageLength, kvHead);
      const width = Math.min(pageLength, count - start);
      for (let i = 0; i < headDim; i++) {
        out.set(keys.subarray(i * pageLength, i * pageLength + width), i * count + start);
      }
    }
    return out;
  }

  /** [count, D] */
  values(kvHead: number, count: number): Float32Array {
    const { headDim } = this.#pages.shape;
    const out = new Float32Array(count * headDim);
    for (let start = 0; start < count; start += pageLength) {
      const { values } = this.#page(start / pageLength, kvHead);
      out.set(values.subarray(0, Math.min(pageLength, count - start) * headDim), start * headDim);
    }
    return out;
  }

  /**
   * Attention of one query to as many positions as there are weights, in float64.
   * @param query [D]
   * @param weights overwritten with softmax(q · k / sqrt(D))
   * @param out [D], zeros, overwritten
   */
  attend(
    kvHead: number,
    query: Float32Array,
    { weights, out }: { readonly weights: Float64Array; readonly out: Float32Array },
  ): void {
    const { headDim } = this.#pages.shape;
    weights.fill(0);
    for (let start = 0; start < weights.length; start += pageLength) {
      const { keys } = this.#page(start / pageLength, kvHead);
      const width = Math.min(pageLength, weights.length - start);
      for (let i = 0; i < headDim; i++) {
        const factor = query[i] ?? 0;
        for (let j = 0; j < width; j++) {
          weights[start + j] = (weights[start + j] ?? 0) + factor * (keys[i * pageLength + j] ?? 0);
        }
      }
    }
    softmax(weights, 1 / Math.sqrt(headDim));
    const sums = new Float64Array(headDim);
    for (let start = 0; start < weights.length; start += pageLength) {
      const { values } = this.#page(start / pageLength, kvHead);
      const width = Math.min(pageLength, weights.length - start);
      for (let j = 0; j < width; j++) {
        const weight = weights[start + j] ?? 0;
        for (let i = 0; i < headDim; i++) sums[i] = (sums[i] ?? 0) + weight * (values[j * headDim + i] ?? 0);
      }
    }
    out.set(sums);
  }

  /** Keys ([D, 64]) and values ([64, D]) of the sequence's page `index`. */
  #page(index: number, kvHead: number): { readonly keys: Float32Array; readonly values: Float32Array } {
    const { pagesPerSlab, headSize } = this.#pages;
    const page = this.#blocks[index] ?? -1;
    const slab = Math.floor(page / pagesPerSlab);
    const start = ((page % pagesPerSlab) * this.kvHeads + kvHead) * headSize;
    const [keys, values] = [this.#pages.keys[this.#layer]?.[slab], this.#pages.values[this.#layer]?.[slab]];
    if (keys === undefined || values === undefined) throw new RangeError(`there is no page ${page}`);
    return { keys: keys.subarray(start, start + headSize), values: values.subarray(start, start + headSize) };
  }
}

/** softmax(scores * scale), in place. */
function softmax(scores: Float64Array, scale: number): void {
  let max = Number.NEGATIVE_INFINITY;
  for (const score of scores) max = Math.max(max, score);
  let total = 0;
  for (let i = 0; i < scores.length; i++) {
    const weight = Math.exp(((scores[i] ?? 0) - max) * scale);
    scores[i] = weight;
    total += weight;
  }
  for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] ?? 0) / total;
}
