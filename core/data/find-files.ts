import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ConfigError } from '../errors.js';

/**
 * The files that paths and patterns name, in the order given, those of a pattern sorted; none twice. In a pattern `*` and `?` stand for
 * parts of a name and `**` for any folders. Throws ConfigError where a path is no file or a pattern matches none.
 */
export async function findFiles(patterns: string | readonly string[], signal: AbortSignal): Promise<string[]> {
  const found = new Set<string>();
  for (const pattern of [patterns].flat()) {
    const files = isPattern(pattern) ? await matches(pattern, signal) : [await mustBeFile(pattern)];
    if (files.length === 0) throw new ConfigError(`no file matches ${pattern}`);
    for (const file of files) found.add(file);
  }
  return [...found];
}

function isPattern(path: string): boolean {
  return /[*?]/.test(path);
}

async function mustBeFile(path: string): Promise<string> {
  try {
    if ((await stat(path)).isFile()) return path;
  } catch (cause) {
    throw new ConfigError(`no file ${path}`, { cause });
  }
  throw new ConfigError(`${path} is no file; name the files in it, such as ${join(path, '*.parquet')}`);
}

async function matches(pattern: string, signal: AbortSignal): Promise<string[]> {
  const parts = pattern.split(sep);
  const first = parts.findIndex(isPattern);
  const root = parts.slice(0, first).join(sep);
  const files = await walk(first > 0 && root === '' ? sep : root, parts.slice(first), signal);
  return files.sort();
}

/** Files below `folder` whose path from there matches the parts of a pattern. Links are followed to files, not to folders. */
async function walk(folder: string, parts: readonly string[], signal: AbortSignal): Promise<string[]> {
  signal.throwIfAborted();
  const [part = '', ...rest] = parts;
  const entries = await entriesOf(folder);
  if (part === '**') {
    const here = await walk(folder, rest.length === 0 ? ['*'] : rest, signal);
    return [...here, ...(await each(entries.filter(isFolder), (name) => walk(join(folder, name), parts, signal)))];
  }
  const fits = entries.filter(({ name }) => expression(part).test(name));
  if (rest.length > 0) return each(fits.filter(isFolder), (name) => walk(join(folder, name), rest, signal));
  return fits.filter((entry) => !isFolder(entry)).map(({ name }) => join(folder, name));
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder === '' ? '.' : folder, { withFileTypes: true });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new ConfigError(`cannot look into ${folder}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

async function each(entries: readonly Dirent[], visit: (name: string) => Promise<string[]>): Promise<string[]> {
  const all: string[] = [];
  for (const { name } of entries) all.push(...(await visit(name)));
  return all;
}

function isFolder(entry: Dirent): boolean {
  return entry.isDirectory();
}

/** Names that begin with a dot are hidden from patterns that do not. */
function expression(part: string): RegExp {
  const source = part
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${part.startsWith('.') ? '' : '(?!\\.)'}${source}$`, 's');
}
