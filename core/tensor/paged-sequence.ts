import { capScores } from './attend-rows.js';
import type { AttentionRules } from './attention-rules.js';
import { type KvPages, pageLength } from './kv-pages.js';

/** Neighbouring positions of a sequence: those in [from, to). */
export interface Positions {
  readonly from: number;
  readonly to: number;
}

/** Keys ([D, 64]) and values ([64, D]) of a page, and which of its slots are meant. */
interface Piece {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly at: number;
  readonly begin: number;
  readonly end: number;
}

/** One sequence's keys and values of one layer, wherever their pages are. */
export class PagedSequence {
  readonly length: number;
  readonly kvHeads: number;
  readonly #pages: KvPages;
  readonly #layer: number;
  readonly #blocks: Int32Array;

  /**
   * @param blocks numbers of the sequence's pages
   * @param length cached positions
   */
  constructor(pages: KvPages, blocks: Int32Array, { length, layer }: { length: number; layer: number }) {
    this.length = length;
    this.kvHeads = pages.shape.numKeyValueHeads;
    this.#pages = pages;
    this.#layer = layer;
    this.#blocks = blocks;
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

  /** [D, to - from]: the keys of these positions. */
  keysTransposed(kvHead: number, positions: Positions): Float32Array {
    const { headDim } = this.#pages.shape;
    const count = positions.to - positions.from;
    const out = new Float32Array(headDim * count);
    for (const { keys, at, begin, end } of this.#pieces(kvHead, positions)) {
      for (let i = 0; i < headDim; i++) {
        out.set(keys.subarray(i * pageLength + begin, i * pageLength + end), i * count + at);
      }
    }
    return out;
  }

  /** [to - from, D] */
  values(kvHead: number, positions: Positions): Float32Array {
    const { headDim } = this.#pages.shape;
    const out = new Float32Array((positions.to - positions.from) * headDim);
    for (const { values, at, begin, end } of this.#pieces(kvHead, positions)) {
      out.set(values.subarray(begin * headDim, end * headDim), at * headDim);
    }
    return out;
  }

  /**
   * Attention of one query, the one at the last of the positions, in float64.
   * @param query [D]
   * @param out [D], zeros, overwritten
   */
  attend(
    kvHead: number,
    positions: Positions,
    { query, out, ...rules }: { readonly query: Float32Array; readonly out: Float32Array } & Required<AttentionRules>,
  ): void {
    const { headDim } = this.#pages.shape;
    const weights = new Float64Array(positions.to - positions.from); // still q · k
    for (const { keys, at, begin, end } of this.#pieces(kvHead, positions)) {
      for (let i = 0; i < headDim; i++) {
        const factor = query[i] ?? 0;
        const row = i * pageLength;
        for (let j = begin; j < end; j++) {
          weights[at + j - begin] = (weights[at + j - begin] ?? 0) + factor * (keys[row + j] ?? 0);
        }
      }
    }
    if (rules.softcap > 0) capScores(weights, rules);
    softmax(weights, rules.softcap > 0 ? 1 : rules.scale);
    const sums = new Float64Array(headDim);
    for (const { values, at, begin, end } of this.#pieces(kvHead, positions)) {
      for (let j = begin; j < end; j++) {
        const weight = weights[at + j - begin] ?? 0;
        for (let i = 0; i < headDim; i++) sums[i] = (sums[i] ?? 0) + weight * (values[j * headDim + i] ?? 0);
      }
    }
    out.set(sums);
  }

  /** What each page has of the positions: slots [begin, end), the first of which is number `at` of the positions. */
  *#pieces(kvHead: number, { from, to }: Positions): Iterable<Piece> {
    for (let index = Math.floor(from / pageLength); index * pageLength < to; index++) {
      const start = index * pageLength;
      const [begin, end] = [Math.max(0, from - start), Math.min(pageLength, to - start)];
      yield { ...this.#page(index, kvHead), at: start + begin - from, begin, end };
    }
  }

  /** Keys ([D, 64]) and values ([64, D]) of the sequence's page `index`. */
  #page(index: number, kvHead: number): Pick<Piece, 'keys' | 'values'> {
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
