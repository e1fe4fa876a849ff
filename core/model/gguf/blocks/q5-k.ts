import type { BlockFormat } from './block-format.js';
import { halfAt } from './half.js';
import { sixBitMinimum, sixBitScale } from './q4-k.js';

/** As Q4_K, with 32 bytes before the low bits: bit g of byte i is the fifth bit of value i of group g. */
export const q5_k: BlockFormat = {
  name: 'Q5_K',
  valuesPerBlock: 256,
  bytesPerBlock: 176,
  decode(bytes, values) {
    for (let block = 0, at = 0; block < values.length; block += 256, at += 176) {
      const scale = halfAt(bytes, at);
      const minimum = halfAt(bytes, at + 2);
      for (let group = 0; group < 8; group++) {
        const groupScale = scale * sixBitScale(bytes, at + 4, group);
        const groupMinimum = minimum * sixBitMinimum(bytes, at + 4, group);
        const from = at + 48 + (group >> 1) * 32;
        const shift = (group & 1) * 4;
        for (let i = 0; i < 32; i++) {
          const low = ((bytes[from + i] ?? 0) >> shift) & 15;
          const high = (((bytes[at + 16 + i] ?? 0) >> group) & 1) << 4;
          values[block + group * 32 + i] = groupScale * (low | high) - groupMinimum;
        }
      }
    }
  },
};
