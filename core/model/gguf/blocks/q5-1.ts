import type { BlockFormat } from './block-format.js';
import { halfAt } from './half.js';
import { fifthBit } from './q5-0.js';

/** A block: scale and minimum (f16), the fifth bits of 32 values, 16 bytes of low four bits as in Q4_1. */
export const q5_1: BlockFormat = {
  name: 'Q5_1',
  valuesPerBlock: 32,
  bytesPerBlock: 24,
  decode(bytes, values) {
    for (let block = 0, at = 0; block < values.length; block += 32, at += 24) {
      const scale = halfAt(bytes, at);
      const minimum = halfAt(bytes, at + 2);
      for (let i = 0; i < 16; i++) {
        const pair = bytes[at + 8 + i] ?? 0;
        values[block + i] = scale * ((pair & 15) | fifthBit(bytes, at + 4, i)) + minimum;
        values[block + i + 16] = scale * ((pair >> 4) | fifthBit(bytes, at + 4, i + 16)) + minimum;
      }
    }
  },
};
