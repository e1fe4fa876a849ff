import type { BlockFormat } from './block-format.js';
import { halfAt } from './half.js';

/**
 * A block of 256: 128 bytes of low four bits, 64 bytes of upper two bits, 16 signed scales of 16 values each, the block's scale (f16);
 * offset 32. Each half of the block has four groups of 32: the low bits of groups 0 and 1 are the low halves of 64 bytes,
 * those of groups 2 and 3 the high halves; the upper bits of group g are bits 2g and 2g + 1 of 32 bytes.
 */
export const q6_k: BlockFormat = {
  name: 'Q6_K',
  valuesPerBlock: 256,
  bytesPerBlock: 210,
  decode(bytes, values) {
    for (let block = 0, at = 0; block < values.length; block += 256, at += 210) {
      const scale = halfAt(bytes, at + 208);
      for (let group = 0; group < 8; group++) {
        const half = group >> 2;
        const within = group & 3;
        const low = at + half * 64 + (within & 1) * 32;
        const high = at + 128 + half * 32;
        for (let i = 0; i < 32; i++) {
          const lowBits = ((bytes[low + i] ?? 0) >> ((within >> 1) * 4)) & 15;
          const highBits = (((bytes[high + i] ?? 0) >> (within * 2)) & 3) << 4;
          const groupScale = ((bytes[at + 192 + group * 2 + (i >> 4)] ?? 0) << 24) >> 24;
          values[block + group * 32 + i] = scale * groupScale * ((lowBits | highBits) - 32);
        }
      }
    }
  },
};
