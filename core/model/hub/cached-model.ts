import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { ConfigError } from '../../errors.js';
import { log } from '../../log.js';
import type { ModelId } from './model-id.js';
import { planFiles, shardsIn } from './plan-files.js';

/** Where a model would be in a cache. */
export interface CachedPlace {
  readonly id: ModelId;
  /** What a person would look into. */
  readonly folder: string;
  /** What looks like the repository; undefined where the cache knows of no such revision. */
  readonly directory: string | undefined;
}

/** The path to open of a model in the cache, without asking a hub. Throws ConfigError, naming what is missing, when it is not whole there. */
export async function openCached({ id, folder, directory }: CachedPlace): Promise<string> {
  try {
    if (directory === undefined) throw new ConfigError(`nothing is known of the revision ${id.revision ?? 'main'}`);
    return await openWhole(directory, id);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${id.name} is not whole in ${folder}: ${why}; unset HF_HUB_OFFLINE once to download it`, {
      cause,
    });
  }
}

/**
 * What the hub says; or, when it cannot be asked or refuses (a token that ended, a model that is gone), the path of what the cache has, if that is
 * whole, which is then found soon.
 */
export async function askOrOpenCached<T>(
  place: CachedPlace,
  ask: (options: { readonly retries: number | undefined }) => Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly answer: T } | { readonly path: string }> {
  const path = await openCached(place).catch(() => undefined); // why it cannot be opened is no news: then the hub must answer
  try {
    return { answer: await ask({ retries: path === undefined ? undefined : 1 }) };
  } catch (error) {
    if (path === undefined || signal.aborted) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    log('warn', 'model_hub_unavailable', { model: place.id.name, taken: path, reason });
    return { path };
  }
}

async function openWhole(directory: string, id: ModelId): Promise<string> {
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
