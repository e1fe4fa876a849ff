import { GGMLQuantizationType, GGUFValueType } from '@huggingface/gguf';
import type { GgufPair } from './metadata.js';

/** Where tensors begin, in bytes from the end of the header; the value every reader takes when none is written. */
export const ALIGNMENT = 32;

/** A tensor as the header describes it. */
export interface TensorToDescribe {
  readonly name: string;
  /** Row-major: matrices are [Out, In]. */
  readonly shape: readonly number[];
  readonly dtype: 'F32' | 'F16' | 'BF16';
  /** From the end of the header; a multiple of ALIGNMENT. */
  readonly offset: number;
}

const VERSION = 3;

const VALUE_TYPES = {
  uint32: GGUFValueType.UINT32,
  int32: GGUFValueType.INT32,
  float32: GGUFValueType.FLOAT32,
  bool: GGUFValueType.BOOL,
  string: GGUFValueType.STRING,
  array: GGUFValueType.ARRAY,
} as const;

/** Everything before the values of a GGUF file, padded to the alignment. */
export function encodeHeader(pairs: readonly GgufPair[], tensors: readonly TensorToDescribe[]): Buffer {
  const parts = [
    Buffer.from('GGUF'),
    uint32(VERSION),
    uint64(tensors.length),
    uint64(pairs.length),
    ...pairs.flatMap((pair) => [string(pair.key), uint32(VALUE_TYPES[pair.type]), encodeValue(pair)]),
    ...tensors.map(encodeTensor),
  ];
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat(parts, aligned(size)); // what is missing at the end is filled with zeros
}

/** The next multiple of the alignment. */
export function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

function encodeValue(pair: GgufPair): Buffer {
  switch (pair.type) {
    case 'array':
      return encodeArray(pair);
    case 'string':
      return string(pair.value);
    case 'bool':
      return Buffer.of(pair.value ? 1 : 0);
    case 'uint32':
    case 'int32':
    case 'float32':
      return numbers(pair.type, [pair.value]);
    default:
      return pair satisfies never;
  }
}

function encodeArray(pair: GgufPair & { readonly type: 'array' }): Buffer {
  const values = pair.of === 'string' ? Buffer.concat(pair.value.map(string)) : numbers(pair.of, pair.value);
  return Buffer.concat([uint32(VALUE_TYPES[pair.of]), uint64(pair.value.length), values]);
}

function encodeTensor({ name, shape, dtype, offset }: TensorToDescribe): Buffer {
  const dimensions = shape.toReversed().map(uint64);
  return Buffer.concat([
    string(name),
    uint32(shape.length),
    ...dimensions,
    uint32(GGMLQuantizationType[dtype]),
    uint64(offset),
  ]);
}

function string(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const buffer = Buffer.alloc(8 + bytes);
  buffer.writeBigUInt64LE(BigInt(bytes));
  buffer.write(text, 8);
  return buffer;
}

function numbers(type: 'uint32' | 'int32' | 'float32', values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) {
    if (type === 'float32') buffer.writeFloatLE(value, 4 * i);
    else if (type === 'int32') buffer.writeInt32LE(value, 4 * i);
    else buffer.writeUInt32LE(value, 4 * i);
  }
  return buffer;
}

function uint32(value: number): Buffer {
  return numbers('uint32', [value]);
}

function uint64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}
