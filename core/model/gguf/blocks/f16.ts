import type { BlockFormat } from './block-format.js';
import { halfToFloatBits } from './half.js';

/** 16-bit floats of IEEE 754. */
export const f16: BlockFormat = {
  name: 'F16',
  valuesPerBlock: 1,
  bytesPerBlock: 2,
  decode(bytes, values) {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < bits.length; i++) {
      bits[i] = halfToFloatBits((bytes[2 * i] ?? 0) | ((bytes[2 * i + 1] ?? 0) << 8));
    }
  },
};
