import type { BlockFormat } from './block-format.js';
import { halfAt } from './half.js';

/** A block: scale and minimum (f16), 16 bytes whose low halves are values 0-15 and whose high halves are values 16-31. */
export const q4_1: BlockFormat = {
  name: 'Q4_1',
  valuesPerBlock: 32,
  bytesPerBlock: 20,
  decode(bytes, values) {
    for (let block = 0, at = 0; block < values.length; block += 32, at += 20) {
      const scale = halfAt(bytes, at);
      const minimum = halfAt(bytes, at + 2);
      for (let i = 0; i < 16; i++) {
        const pair = bytes[at + 4 + i] ?? 0;
        values[block + i] = scale * (pair & 15) + minimum;
        values[block + i + 16] = scale * (pair >> 4) + minimum;
      }
    }
  },
};
