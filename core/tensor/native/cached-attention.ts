import { headSizes } from './attention.js';
import { floats, type NativeKernel } from './native-kernel.js';

/** The slabs of the pages, by layer: what the kernel reads of KvPages. */
interface Slabs {
  readonly pagesPerSlab: number;
  /** [pagesPerSlab, Hkv, D, 64] each */
  readonly keys: readonly (readonly Float32Array[])[];
  /** [pagesPerSlab, Hkv, 64, D] each */
  readonly values: readonly (readonly Float32Array[])[];
}

interface CachedPass {
  readonly pages: Slabs;
  readonly layer: number;
  /** [S]: cached positions before this pass */
  readonly lengths: Int32Array;
  /** [S + 1]: new rows of each sequence */
  readonly offsets: Int32Array;
  /** Page numbers; those of sequence s begin at blocks[blockOffsets[s]]. */
  readonly blocks: Int32Array;
  /** [S + 1] */
  readonly blockOffsets: Int32Array;
}

/** q [N, H, D], k and v [N, Hkv, D] -> out [N, H, D], with the bits of Attention over the whole sequences. Writes k and v into the pages. */
export const cachedAttention: NativeKernel<CachedPass> = {
  name: 'CachedAttention',
  run(call, { pages, layer, lengths, offsets, blocks, blockOffsets }) {
    const { rows, heads, kvHeads, headDim } = headSizes(call);
    const [keys, values] = [pages.keys[layer], pages.values[layer]];
    if (keys === undefined || values === undefined) throw new RangeError(`the pages have no layer ${layer}`);
    const { info, values: out } = call.backend.allocate([rows, heads, headDim]);
    call.addon.cachedAttention(
      floats(call, 'q'),
      floats(call, 'k'),
      floats(call, 'v'),
      out,
      keys,
      values,
      pages.pagesPerSlab,
      lengths,
      offsets,
      blocks,
      blockOffsets,
      rows,
      offsets.length - 1,
      blocks.length,
      heads,
      kvHeads,
      headDim,
    );
    return info;
  },
};
