import { type FileHandle, open } from 'node:fs/promises';
import { type AsyncBuffer, type Compressors, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
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
  const rows: Row[] = [];
  for (const { num_rows, columns } of metadata.row_groups) {
    const count = safeInteger(num_rows, path);
    for (const { meta_data } of columns) {
      if (meta_data !== undefined && meta_data.num_values < num_rows) {
        throw new ConfigError(
          `${path} is broken: ${num_rows} rows, but column ${meta_data.path_in_schema.join('.')} has fewer values`,
        );
      }
    }
    const range = { rowStart: rows.length, rowEnd: rows.length + count };
    const values = await parquetReadObjects({ file, metadata, compressors: boundedCompressors, ...range });
    if (values.length !== count) {
      throw new ConfigError(`${path} is broken: ${count} rows announced, ${values.length} found`);
    }
    for (const value of values) rows.push(asObject(value, `${path} row ${rows.length + 1}: `));
  }
  return rows;
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
