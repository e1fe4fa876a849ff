import { createReadStream } from 'node:fs';
import { ConfigError } from '../errors.js';
import type { Json } from '../types.js';
import type { Row } from './row.js';

/** An object a line; empty lines are passed over. Throws ConfigError naming the line that is none. */
export async function readJsonLines(path: string, signal: AbortSignal): Promise<Row[]> {
  const rows: Row[] = [];
  let line = 0;
  for await (const text of linesOf(path, signal)) {
    line++;
    if (text.trim() !== '') rows.push(asRow(parse(text, `${path} line ${line}`), `${path} line ${line}`));
  }
  return rows;
}

/** A list of objects, or an object a line, as Hugging Face writes files of this name. */
export async function readJson(path: string, signal: AbortSignal): Promise<Row[]> {
  if ((await firstLetter(path, signal)) !== '[') return readJsonLines(path, signal);
  const lines: string[] = [];
  for await (const line of linesOf(path, signal)) lines.push(line);
  const list = parse(lines.join('\n'), path);
  if (!Array.isArray(list)) throw new ConfigError(`${path} holds no list of rows`);
  return list.map((value, i) => asRow(value, `${path} row ${i + 1}`));
}

async function firstLetter(path: string, signal: AbortSignal): Promise<string | undefined> {
  for await (const line of linesOf(path, signal)) if (line.trim() !== '') return line.trim()[0];
  return undefined;
}

async function* linesOf(path: string, signal: AbortSignal): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let pieces: string[] = [];
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
    const [first = '', ...others] = decode(decoder, chunk, path).split('\n');
    pieces.push(first);
    for (const line of others) {
      yield pieces.join('');
      pieces = [line];
    }
  }
  yield pieces.join('') + decode(decoder, undefined, path);
}

function decode(decoder: TextDecoder, chunk: Buffer | undefined, path: string): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch (cause) {
    throw new ConfigError(`${path} is no UTF-8 text; write it as such`, { cause });
  }
}

function parse(text: string, place: string): Json {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${place} is no JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function asRow(value: Json, place: string): Row {
  if (typeof value === 'object' && value !== null && !isList(value)) return value;
  throw new ConfigError(`${place} is no object with a field for each column`);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
