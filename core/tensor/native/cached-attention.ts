import { completeRules } from '../attention-rules.js';
import type { LayerPass } from '../cached-pass.js';
import { attentionSizes } from './attention.js';
import { floats, type NativeKernel } from './native-kernel.js';

/** q [N, H, D], k and v [N, Hkv, D] -> out [N, H, D], with the bits of Attention over the whole sequences. Writes k and v into the pages. */
export const cachedAttention: NativeKernel<LayerPass> = {
  name: 'CachedAttention',
  run(call, { pages, layer, lengths, offsets, blocks, blockOffsets, ...rules }) {
    const { rows, heads, kvHeads, headDim } = attentionSizes(call);
    const { scale, softcap, window } = completeRules(rules, headDim);
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
      scale,
      softcap,
      window,
    );
    return info;
  },
};
