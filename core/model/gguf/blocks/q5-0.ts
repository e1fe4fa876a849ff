import type { BlockFormat } from './block-format.js';
import { halfAt } from './half.js';

/** A block: scale (f16), the fifth bits of 32 values, 16 bytes of low four bits as in Q4_0; offset 16. */
export const q5_0: BlockFormat = {
  name: 'Q5_0',
  valuesPerBlock: 32,
  bytesPerBlock: 22,
  decode(bytes, values) {
    for (let block = 0, at = 0; block < values.length; block += 32, at += 22) {
      const scale = halfAt(bytes, at);
      for (let i = 0; i < 16; i++) {
        const pair = bytes[at + 6 + i] ?? 0;
        const low = fifthBit(bytes, at + 2, i);
        const high = fifthBit(bytes, at + 2, i + 16);
        values[block + i] = scale * (((pair & 15) | low) - 16);
        values[block + i + 16] = scale * (((pair >> 4) | high) - 16);
      }
    }
  },
};

/** 16 when bit `i` of the bytes at `at` is set, otherwise 0. */
export function fifthBit(bytes: Uint8Array, at: number, i: number): number {
  return (((bytes[at + (i >> 3)] ?? 0) >> (i & 7)) & 1) << 4;
}
