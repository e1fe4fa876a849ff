import { decodeFloats } from '../../safetensors/float-formats.js';
import type { BlockFormat } from './block-format.js';

/** Numbers of 32 bits as they are. */
export const f32 = floats('F32', 4);

/** Numbers of 16 bits of IEEE 754. */
export const f16 = floats('F16', 2);

/** The upper halves of numbers of 32 bits. */
export const bf16 = floats('BF16', 2);

function floats(name: 'F32' | 'F16' | 'BF16', bytesPerBlock: number): BlockFormat {
  return {
    name,
    valuesPerBlock: 1,
    bytesPerBlock,
    decode: (bytes, values) => decodeFloats(name, bytes, values),
  };
}
