import { assert } from '../../errors.js';
import type { GgufArchitecture } from './names.js';

/** What the values of a model depend on besides the tensor's name. */
export interface TransformContext {
  readonly architecture: GgufArchitecture;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
}

/** A tensor by Hugging Face's name; values [Out, In] or [Out], row by row. */
export interface NamedValues {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** GGUF's values as Hugging Face has them. May return the same array, changed; may also return another. */
export function fromGgufValues(context: TransformContext, tensor: NamedValues): Float32Array {
  const heads = interleavedHeads(context, tensor.name);
  if (heads !== undefined) return reorderRows(tensor, heads, interleavedRow);
  return isShiftedNorm(context, tensor.name) ? shift(tensor.values, -1) : tensor.values;
}

/** Hugging Face's values as GGUF has them. May return the same array, changed; may also return another. */
export function toGgufValues(context: TransformContext, tensor: NamedValues): Float32Array {
  const heads = interleavedHeads(context, tensor.name);
  if (heads !== undefined) return reorderRows(tensor, heads, halvedRow);
  return isShiftedNorm(context, tensor.name) ? shift(tensor.values, 1) : tensor.values;
}

/** llama.cpp turns neighbouring rows of a llama head by one angle, Hugging Face rows half a head apart. */
function interleavedHeads(context: TransformContext, name: string): number | undefined {
  if (context.architecture !== 'llama') return undefined;
  if (/\.q_proj\.(weight|bias)$/.test(name)) return context.numAttentionHeads;
  if (/\.k_proj\.(weight|bias)$/.test(name)) return context.numKeyValueHeads;
  return undefined;
}

/** Gemma multiplies by 1 + weight; GGUF stores the sum. */
function isShiftedNorm({ architecture }: TransformContext, name: string): boolean {
  return (architecture === 'gemma2' || architecture === 'gemma3') && name.endsWith('norm.weight');
}

/** Row `row` of the result is row `from(row, headDim)` of the same head. */
function reorderRows(
  { name, shape, values }: NamedValues,
  heads: number,
  from: (row: number, headDim: number) => number,
): Float32Array {
  const [rows = 0] = shape;
  const headDim = rows / heads;
  assert(headDim % 2 === 0, `${name} has ${rows} rows, not an even number for each of ${heads} heads`);
  const width = values.length / rows;
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const source = (row - within + from(within, headDim)) * width;
    result.set(values.subarray(source, source + width), row * width);
  }
  return result;
}

/** Where GGUF keeps a row of Hugging Face's. */
function interleavedRow(row: number, headDim: number): number {
  const half = headDim / 2;
  return row < half ? 2 * row : 2 * (row - half) + 1;
}

/** Where Hugging Face keeps a row of GGUF's. */
function halvedRow(row: number, headDim: number): number {
  return (row >> 1) + (row & 1) * (headDim / 2);
}

function shift(values: Float32Array, by: number): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + by;
  return values;
}
