import { blockFormats } from './gguf/blocks/formats.js';
import type { TensorEntry } from './model-files.js';
import { isDtype, sizeOf } from './safetensors/header.js';

/** Bytes of a tensor in its file; throws RangeError for a dtype that no format has. */
export function tensorBytes({ shape, dtype }: TensorEntry): number {
  const values = valueCount(shape);
  const block = [...blockFormats.values()].find(({ name }) => name === dtype);
  if (block !== undefined) return Math.ceil(values / block.valuesPerBlock) * block.bytesPerBlock;
  const bytes = isDtype(dtype) ? sizeOf(shape, dtype) : undefined;
  if (bytes === undefined) throw new RangeError(`a tensor of dtype ${dtype} and shape [${shape}] has no size`);
  return bytes;
}

/** Numbers in a tensor of the shape. */
export function valueCount(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}
