import { extname } from 'node:path';
import { ConfigError } from '../errors.js';
import { findFiles } from './find-files.js';
import { readJson, readJsonLines } from './json-rows.js';
import { readParquet } from './parquet-rows.js';
import type { FileRow, Row } from './row.js';

/**
 * All rows of a file: `.jsonl` (an object a line), `.json` (a list of objects, or lines as well) or `.parquet`, where null columns and
 * fields are left out. Throws ConfigError naming file and row where it is not what its name says.
 */
export async function readRows(path: string, signal: AbortSignal): Promise<Row[]> {
  signal.throwIfAborted();
  try {
    return await readerOf(path)(path, signal);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** The rows of all files that paths and patterns name, file after file. */
export async function readFiles(patterns: string | readonly string[], signal: AbortSignal): Promise<FileRow[]> {
  const all: FileRow[] = [];
  for (const file of await findFiles(patterns, signal)) {
    const rows = await readRows(file, signal);
    for (const [i, row] of rows.entries()) all.push({ file, number: i + 1, row });
  }
  return all;
}

const readers = new Map([
  ['.jsonl', readJsonLines],
  ['.json', readJson],
  ['.parquet', readParquet],
]);

function readerOf(path: string): typeof readParquet {
  const reader = readers.get(extname(path).toLowerCase());
  if (reader !== undefined) return reader;
  throw new ConfigError(`${path} is no data file that can be read; name a ${[...readers.keys()].join(', ')}`);
}
