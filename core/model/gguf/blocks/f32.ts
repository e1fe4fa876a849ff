import type { BlockFormat } from './block-format.js';

/** 32-bit floats as they are. */
export const f32: BlockFormat = {
  name: 'F32',
  valuesPerBlock: 1,
  bytesPerBlock: 4,
  decode(bytes, values) {
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength).set(bytes.subarray(0, values.byteLength));
  },
};
