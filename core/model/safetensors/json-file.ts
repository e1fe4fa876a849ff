import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { ConfigError } from '../../errors.js';

/** No text file of a model comes near it. */
const MAX_TEXT_BYTES = 512 * 2 ** 20;

const objectSchema = z.record(z.string(), z.unknown());

/** The text of a file, undefined where there is none. Throws ConfigError when it is no file, too large or cannot be read. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new ConfigError(`${path} is not a file`);
    if (found.size > MAX_TEXT_BYTES) throw new ConfigError(`${path} has ${found.size} bytes, too many for a text`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new ConfigError(`cannot read ${path}`, { cause });
  }
}

/** The JSON object in a file, undefined where there is no file. Throws ConfigError when it holds something else. */
export async function readJsonObject(path: string): Promise<z.output<typeof objectSchema> | undefined> {
  const text = await readText(path);
  return text === undefined ? undefined : parseJsonObject(text, path);
}

/** The JSON object that the text is. Throws ConfigError, naming `source`, when it is something else. */
export function parseJsonObject(text: string, source: string): z.output<typeof objectSchema> {
  try {
    return objectSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ConfigError(`${source} is not a JSON object`, { cause });
  }
}
