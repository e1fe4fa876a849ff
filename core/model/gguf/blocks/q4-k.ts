import type { BlockFormat } from './block-format.js';
import { halfAt } from './half.js';

/**
 * A block of 256: scale and minimum of the block (f16), eight 6-bit scales and eight 6-bit minimums in 12 bytes, 128 bytes of which
 * each run of 32 has the values of one group of 32 in its low halves and those of the next in its high halves.
 */
export const q4_k: BlockFormat = {
  name: 'Q4_K',
  valuesPerBlock: 256,
  bytesPerBlock: 144,
  decode(bytes, values) {
    for (let block = 0, at = 0; block < values.length; block += 256, at += 144) {
      const scale = halfAt(bytes, at);
      const minimum = halfAt(bytes, at + 2);
      for (let group = 0; group < 8; group++) {
        const groupScale = scale * sixBitScale(bytes, at + 4, group);
        const groupMinimum = minimum * sixBitMinimum(bytes, at + 4, group);
        const from = at + 16 + (group >> 1) * 32;
        const shift = (group & 1) * 4;
        for (let i = 0; i < 32; i++) {
          values[block + group * 32 + i] = groupScale * (((bytes[from + i] ?? 0) >> shift) & 15) - groupMinimum;
        }
      }
    }
  },
};

/** Groups 0-3: low six bits of bytes 0-3. Groups 4-7: low half of bytes 8-11, above it the top two bits of bytes 0-3. */
export function sixBitScale(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return (bytes[at + group] ?? 0) & 63;
  return ((bytes[at + 4 + group] ?? 0) & 15) | (((bytes[at + group - 4] ?? 0) >> 2) & 48);
}

/** Groups 0-3: low six bits of bytes 4-7. Groups 4-7: high half of bytes 8-11, above it the top two bits of bytes 4-7. */
export function sixBitMinimum(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return (bytes[at + 4 + group] ?? 0) & 63;
  return ((bytes[at + 4 + group] ?? 0) >> 4) | (((bytes[at + group] ?? 0) >> 2) & 48);
}
