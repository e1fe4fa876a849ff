import type { BlockFormat } from './block-format.js';
import { halfAt } from './half.js';

/** A block: scale (f16), 32 signed bytes. */
export const q8_0: BlockFormat = {
  name: 'Q8_0',
  valuesPerBlock: 32,
  bytesPerBlock: 34,
  decode(bytes, values) {
    for (let block = 0, at = 0; block < values.length; block += 32, at += 34) {
      const scale = halfAt(bytes, at);
      for (let i = 0; i < 32; i++) values[block + i] = (((bytes[at + 2 + i] ?? 0) << 24) >> 24) * scale;
    }
  },
};
