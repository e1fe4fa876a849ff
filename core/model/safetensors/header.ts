import { z } from 'zod';
import { ConfigError } from '../../errors.js';
import type { TensorEntry } from '../model-files.js';
import { jsonProblem } from './json-problem.js';

/** A longer header is no header of a model: what the format's own library refuses. */
export const MAX_HEADER_BYTES = 100_000_000;

const dtypeBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  C64: 8,
} as const;

/** What the numbers of a tensor can be in a file; only floats of 2 bytes and more can be read as weights. */
export type Dtype = keyof typeof dtypeBytes;

/** A tensor and the place of its values, in bytes from the end of the header. */
export interface StoredTensor extends TensorEntry {
  readonly dtype: Dtype;
  readonly start: number;
  readonly end: number;
}

/** What stands before the values. */
export interface Header {
  /** In the order of their values. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const offset = z.int().min(0);
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(offset).max(32),
  data_offsets: z.tuple([offset, offset]),
});
const metadataSchema = z.record(z.string(), z.string());

/** Reads a header's JSON. Throws ConfigError, naming `source`, unless its tensors fill the `bodyBytes` behind it without gap or overlap. */
export function parseHeader(bytes: Uint8Array, { source, bodyBytes }: { source: string; bodyBytes: number }): Header {
  const { __metadata__: metadata = {}, ...entries } = parseObject(bytes, source);
  const tensors = Object.entries(entries).map(([name, entry]) => [name, parseEntry(name, entry, source)] as const);
  tensors.sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  checkPlaces(tensors, { source, bodyBytes });
  const parsed = metadataSchema.safeParse(metadata);
  if (!parsed.success) throw unusable(source, '__metadata__ in its header is not an object of strings');
  return { tensors: new Map(tensors), metadata: new Map(Object.entries(parsed.data)) };
}

/** The bytes before the values: u64 length, and JSON that spaces fill up to a multiple of 8 bytes. */
export function encodeHeader(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: { readonly [key: string]: string } | undefined,
): Buffer {
  const entries = [...tensors].map(
    ([name, { dtype, shape, start, end }]) => [name, { dtype, shape, data_offsets: [start, end] }] as const,
  );
  const json = JSON.stringify({ ...(metadata && { __metadata__: metadata }), ...Object.fromEntries(entries) });
  const text = Buffer.from(json);
  const header = Buffer.alloc(8 + 8 * Math.ceil(text.length / 8), ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  text.copy(header, 8);
  return header;
}

/** How many bytes a tensor's values take; undefined where that is no number that can be counted exactly. */
export function sizeOf(shape: readonly number[], dtype: Dtype): number | undefined {
  let bytes = dtypeBytes[dtype];
  for (const axis of shape) {
    bytes *= axis;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

/** Bytes of one value. */
export function widthOf(dtype: Dtype): number {
  return dtypeBytes[dtype];
}

/** The error for a file that breaks the format. */
export function unusable(source: string, why: string): ConfigError {
  return new ConfigError(`${source} is not a usable safetensors file: ${why}`);
}

function parseObject(bytes: Uint8Array, source: string): { readonly [key: string]: unknown } {
  const { problem, value } = parseJson(bytes);
  if (problem !== undefined) throw unusable(source, `its header cannot be trusted: ${problem}`);
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (!parsed.success) throw unusable(source, 'its header is not a JSON object');
  return parsed.data;
}

/** The value undefined stands for text that is no JSON. */
function parseJson(bytes: Uint8Array): { problem: string | undefined; value: unknown } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const problem = jsonProblem(text, 3);
    return { problem, value: problem === undefined ? JSON.parse(text) : undefined };
  } catch {
    return { problem: undefined, value: undefined };
  }
}

function parseEntry(name: string, entry: unknown, source: string): StoredTensor {
  if (!/^\P{Cc}{0,1000}$/u.test(name)) {
    throw unusable(source, `the name ${JSON.stringify(name.slice(0, 100))} in its header is too long or not printable`);
  }
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success) throw unusable(source, `its header does not give ${name} a dtype, a shape and data_offsets`);
  const { dtype, shape, data_offsets } = parsed.data;
  if (!isDtype(dtype)) throw unusable(source, `${name} has the unknown dtype ${JSON.stringify(dtype.slice(0, 100))}`);
  return { dtype, shape, start: data_offsets[0], end: data_offsets[1] };
}

/** Whether it is one of the formats that safetensors files have. */
export function isDtype(dtype: string): dtype is Dtype {
  return Object.hasOwn(dtypeBytes, dtype);
}

function checkPlaces(
  tensors: readonly (readonly [string, StoredTensor])[],
  { source, bodyBytes }: { source: string; bodyBytes: number },
): void {
  let filled = 0;
  for (const [name, { dtype, shape, start, end }] of tensors) {
    if (start !== filled || end > bodyBytes || end - start !== sizeOf(shape, dtype)) {
      throw unusable(
        source,
        `the values of ${name} do not fit: offsets ${start}-${end} of ${bodyBytes}, ${dtype} of shape [${shape}], ${filled} bytes before`,
      );
    }
    filled = end;
  }
  if (filled !== bodyBytes) throw unusable(source, `${bodyBytes - filled} bytes at its end belong to no tensor`);
}
