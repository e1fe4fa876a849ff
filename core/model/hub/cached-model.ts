import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { ConfigError } from '../../errors.js';
import type { ModelId } from './model-id.js';
import { planFiles, shardsIn } from './plan-files.js';

/**
 * The path to open of a model whose files are in a folder that looks like its repository, without asking a hub. Throws ConfigError, naming
 * what is missing, when it is not whole.
 */
export async function openCached(directory: string, id: ModelId): Promise<string> {
  const names = await filesIn(directory);
  if (names.size === 0) throw new ConfigError('nothing is there');
  const { index, opens } = planFiles(names, id);
  if (index !== undefined) shardsIn(await readFile(join(directory, index), 'utf8'), names, id);
  return opens === undefined ? directory : join(directory, opens);
}

/** Paths with slashes of all files below the folder; links to nothing are no files. */
async function filesIn(directory: string): Promise<ReadonlySet<string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const names = new Set<string>();
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() === true) names.add(relative(directory, path).split(sep).join('/'));
  }
  return names;
}
