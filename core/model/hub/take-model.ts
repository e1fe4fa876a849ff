import { readFile, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError } from '../../errors.js';
import { LinkedAbort } from '../../linked-abort.js';
import type { ModelId } from './model-id.js';
import { planFiles, shardsIn } from './plan-files.js';

const CONCURRENT_FILES = 4;

/** One revision of a model on a hub, and where its files go on this machine. */
export interface RemoteModel {
  /** The folder that looks like the repository. */
  readonly directory: string;
  /** Bytes of each file. */
  readonly files: ReadonlyMap<string, number>;
  /** True when the file is in the folder, whole. */
  has(name: string, signal: AbortSignal): Promise<boolean>;
  /** Brings the file into the folder. */
  take(name: string, signal: AbortSignal): Promise<void>;
}

/** Brings what is missing of a model to this machine, what makes it look whole last; returns the path to open. */
export async function takeModel(remote: RemoteModel, id: ModelId, signal: AbortSignal): Promise<string> {
  const names = new Set(remote.files.keys());
  const { texts, index, weights, last, opens } = planFiles(names, id);
  await takeAll(remote, index === undefined ? texts : [...texts, index], signal);
  const shards = index === undefined ? [] : shardsIn(await readFile(join(remote.directory, index), 'utf8'), names, id);
  await takeAll(remote, [...weights, ...shards], signal);
  if (last !== undefined) await takeAll(remote, [last], signal);
  return opens === undefined ? remote.directory : join(remote.directory, opens);
}

async function takeAll(remote: RemoteModel, names: readonly string[], signal: AbortSignal): Promise<void> {
  const missing: string[] = [];
  for (const name of names) if (!(await remote.has(name, signal))) missing.push(name);
  await checkSpace(remote, missing);
  const failed = new AbortController();
  using either = new LinkedAbort(signal, failed.signal);
  const queue = missing.values();
  const work = async (): Promise<void> => {
    for (const name of queue) await remote.take(name, either.signal);
  };
  const workers = Array.from({ length: CONCURRENT_FILES }, () => work().catch((error: unknown) => failed.abort(error)));
  await Promise.all(workers);
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
}

/** Better now than after hours. */
async function checkSpace({ directory, files }: RemoteModel, missing: readonly string[]): Promise<void> {
  const neededBytes = missing.reduce((sum, name) => sum + (files.get(name) ?? 0), 0);
  if (neededBytes === 0) return;
  const freeBytes = await freeBytesAt(directory);
  if (freeBytes >= neededBytes) return;
  const [needed, free] = [neededBytes, freeBytes].map((bytes) => (bytes / 1e9).toFixed(1));
  throw new ConfigError(
    `the model needs ${needed} GB at ${directory}, where ${free} GB are free: free space, or name another cache (HF_HOME, MODELSCOPE_CACHE)`,
  );
}

/** Of the disk that a folder will be on which may not exist yet; without limit where a system does not tell. */
async function freeBytesAt(directory: string): Promise<number> {
  for (let path = directory; ; path = dirname(path)) {
    const disk = await statfs(path).catch(() => undefined);
    if (disk !== undefined) return Number(disk.bavail) * Number(disk.bsize);
    if (path === dirname(path)) return Number.POSITIVE_INFINITY;
  }
}
