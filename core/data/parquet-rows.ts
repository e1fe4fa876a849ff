import { type FileHandle, open } from 'node:fs/promises';
import {
  type AsyncBuffer,
  type ColumnChunk,
  type Compressors,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ConfigError } from '../errors.js';
import type { Json } from '../types.js';
import type { Row } from './row.js';

/** A page that claims to be larger is a broken one: writers make pages of about a MiB. */
const MAX_PAGE_BYTES = 2 ** 30;

/**
 * All rows, one row group in memory beside them. Null, undefined and NaN are left out of objects (parquet has every field in every
 * row) and null in lists; dates are ISO texts. Throws ConfigError for integers that a number cannot hold and for bytes.
 */
export async function readParquet(path: string, signal: AbortSignal): Promise<Row[]> {
  await using handle = await open(path);
  const file = await asBuffer(handle, path, signal);
  const metadata = await parquetMetadataAsync(file);
  const leaves = leavesOf(parquetSchema(metadata)).sort();
  const rows: Row[] = [];
  for (const { num_rows, columns } of metadata.row_groups) {
    const count = safeInteger(num_rows, path);
    checkColumns(columns, { leaves, count, path });
    const range = { rowStart: rows.length, rowEnd: rows.length + count };
    const values = await parquetReadObjects({ file, metadata, compressors: boundedCompressors, ...range });
    if (values.length !== count) {
      throw new ConfigError(`${path} is broken: ${count} rows announced, ${values.length} found`);
    }
    for (const value of values) rows.push(asObject(value, `${path} row ${rows.length + 1}: `));
  }
  return rows;
}

function leavesOf({ path, children }: SchemaTree): string[] {
  return children.length === 0 ? [path.join('.')] : children.flatMap(leavesOf);
}

/** The reader looks at the columns of the schema only: others would go unread, and so would what goes wrong in them. */
function checkColumns(
  columns: readonly ColumnChunk[],
  { leaves, count, path }: { readonly leaves: readonly string[]; readonly count: number; readonly path: string },
): void {
  const found = columns.map(({ meta_data }) => meta_data?.path_in_schema.join('.') ?? '').sort();
  if (found.length !== leaves.length || found.some((name, i) => name !== leaves[i])) {
    throw new ConfigError(`${path} is broken: it has columns ${found.join(', ')} and says ${leaves.join(', ')}`);
  }
  const short = columns.find(({ meta_data }) => (meta_data?.num_values ?? 0) < count)?.meta_data;
  if (short === undefined) return;
  throw new ConfigError(
    `${path} is broken: ${count} rows, but column ${short.path_in_schema.join('.')} has fewer values`,
  );
}

async function asBuffer(handle: FileHandle, path: string, signal: AbortSignal): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      signal.throwIfAborted();
      if (!(start >= 0 && start <= end && end <= size)) {
        throw new ConfigError(`${path} is broken: it has ${size} bytes and points to ${start} up to ${end}`);
      }
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      if (bytesRead < bytes.length) throw new ConfigError(`${path} became shorter while it was read`);
      return bytes.buffer;
    },
  };
}

const boundedCompressors: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (input: Uint8Array, outputLength: number): Uint8Array => {
      if (outputLength > MAX_PAGE_BYTES) throw new Error(`a page claims to have ${outputLength} bytes`);
      return decompress(input, outputLength);
    },
  ]),
);

/** `place` ends where the name of a field can follow. */
function asObject(value: object, place: string): Row {
  const entries = Object.entries(value).flatMap(([name, field]: [string, unknown]) => {
    const json = asJson(field, `${place}${name}`);
    return json === null ? [] : [[name, json] as const];
  });
  return Object.fromEntries(entries);
}

function asJson(value: unknown, place: string): Json {
  if (value === undefined || value === null || Number.isNaN(value)) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'bigint') return safeInteger(value, place);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (Array.isArray(value)) return value.map((item, i) => asJson(item, `${place}.${i}`));
  if (ArrayBuffer.isView(value)) throw new ConfigError(`${place} holds bytes; only text and numbers can be read`);
  if (typeof value === 'object' && !(value instanceof Date)) return asObject(value, `${place}.`);
  throw new ConfigError(`${place} is ${String(value)}, which is no value that can be read`);
}

function safeInteger(value: bigint, place: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new ConfigError(`${place} is ${value}, more than a number holds exactly; write it as text`);
}
