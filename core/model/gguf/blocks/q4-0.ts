import type { BlockFormat } from './block-format.js';
import { halfAt } from './half.js';

/** A block: scale (f16), 16 bytes whose low halves are values 0-15 and whose high halves are values 16-31, offset 8. */
export const q4_0: BlockFormat = {
  name: 'Q4_0',
  valuesPerBlock: 32,
  bytesPerBlock: 18,
  decode(bytes, values) {
    for (let block = 0, at = 0; block < values.length; block += 32, at += 18) {
      const scale = halfAt(bytes, at);
      for (let i = 0; i < 16; i++) {
        const pair = bytes[at + 2 + i] ?? 0;
        values[block + i] = scale * ((pair & 15) - 8);
        values[block + i + 16] = scale * ((pair >> 4) - 8);
      }
    }
  },
};
