import type { BlockFormat } from './block-format.js';

/** The upper halves of 32-bit floats. */
export const bf16: BlockFormat = {
  name: 'BF16',
  valuesPerBlock: 1,
  bytesPerBlock: 2,
  decode(bytes, values) {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < bits.length; i++) bits[i] = ((bytes[2 * i] ?? 0) << 16) | ((bytes[2 * i + 1] ?? 0) << 24);
  },
};
