import { headTensors, offsetsOf, type PackedHeads } from './packed-heads.js';
import { runKernel } from './run-kernel.js';

/** Pages as the sampler keeps them, of one layer, all NaN at first; sequences get theirs from both slabs, the last first. */
export class TestPages {
  readonly pagesPerSlab: number;
  readonly keys: Float32Array[][];
  readonly values: Float32Array[][];
  readonly blocks: Int32Array;
  readonly blockOffsets: Int32Array;

  constructor(x: PackedHeads) {
    const counts = x.lengths.map((length) => Math.ceil(length / 64));
    this.blockOffsets = offsetsOf(counts);
    const count = this.blockOffsets[counts.length] ?? 0;
    this.blocks = Int32Array.from({ length: count }, (_, i) => count - 1 - i);
    this.pagesPerSlab = Math.ceil(count / 2);
    const slab = () => new Float32Array(this.pagesPerSlab * x.kvHeads * 64 * x.headDim).fill(Number.NaN);
    this.keys = [[slab(), slab()]];
    this.values = [[slab(), slab()]];
  }
}

/** Rows [from[s], to[s]) of each sequence, through kernel CachedAttention; out of these rows. */
export function attendToPages(x: PackedHeads, pages: TestPages, from: number[], to: number[]): Float32Array {
  const { heads, kvHeads, headDim } = x;
  const cut = (values: Float32Array) => {
    const width = values.length / x.rows;
    const parts = from.map((start, s) => {
      const first = x.offsets[s] ?? 0;
      return values.subarray((first + start) * width, (first + (to[s] ?? 0)) * width);
    });
    return Float32Array.from(parts.flatMap((part) => [...part]));
  };
  const counts = from.map((start, s) => (to[s] ?? 0) - start);
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const piece = { ...x, rows, heads, kvHeads, headDim, q: cut(x.q), k: cut(x.k), v: cut(x.v) };
  const { blocks, blockOffsets } = pages;
  const attributes = {
    pages,
    layer: 0,
    lengths: Int32Array.from(from),
    offsets: offsetsOf(counts),
    blocks,
    blockOffsets,
    ...x.rules,
  };
  return Float32Array.from(runKernel('CachedAttention', headTensors(piece), attributes)[0] ?? []);
}

/** All rows, in passes of the given sizes a sequence over and over; out as attention over the whole gives it. */
export function decodeInChunks(x: PackedHeads, chunks: readonly number[]): Float32Array {
  const pages = new TestPages(x);
  const out = new Float32Array(x.q.length);
  const width = x.heads * x.headDim;
  let done = x.lengths.map(() => 0);
  for (let pass = 0; done.some((count, s) => count < (x.lengths[s] ?? 0)); pass++) {
    const chunk = chunks[pass % chunks.length] ?? 1;
    const next = done.map((count, s) => Math.min(count + chunk, x.lengths[s] ?? 0));
    const rows = attendToPages(x, pages, done, next);
    let row = 0;
    for (const [s, start] of done.entries()) {
      const count = (next[s] ?? 0) - start;
      out.set(rows.subarray(row * width, (row + count) * width), ((x.offsets[s] ?? 0) + start) * width);
      row += count;
    }
    done = next;
  }
  return out;
}
