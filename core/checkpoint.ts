import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { ConfigError } from './errors.js';
import type { Trainer } from './types.js';

/** The state of a run at a step; JSON. */
interface CheckpointState {
  /** The last step whose update is in the weights. */
  readonly step: number;
}

/**
 * Writes `root/global_step_N` so that it is there whole or not at all: everything goes into a temporary directory, is flushed,
 * and is renamed in one step. Afterwards all but the newest `keep` checkpoints are removed. A save that fails leaves the
 * checkpoints as they were; what a process that died left half written is removed by the next save.
 */
export async function saveCheckpoint(
  root: string,
  { state, trainer, keep }: { state: CheckpointState; trainer: Trainer; keep: number },
  signal: AbortSignal,
): Promise<string> {
  await mkdir(root, { recursive: true });
  await removeLeftovers(root);
  const target = join(root, `global_step_${state.step}`);
  await using temporary = new TemporaryDirectory(join(root, `tmp-${process.pid}-${state.step}`));
  await mkdir(temporary.path);
  await trainer.save(temporary.path, signal);
  await writeFile(join(temporary.path, 'state.json'), `${JSON.stringify(state)}\n`);
  for (const name of await readdir(temporary.path)) await flush(join(temporary.path, name));
  await flush(temporary.path);
  await using replaced = new TemporaryDirectory(`${temporary.path}-replaced`);
  await renameIfThere(target, replaced.path);
  await rename(temporary.path, target);
  await flush(root);
  for (const old of (await listCheckpoints(root)).slice(0, -keep)) await rm(old, { recursive: true, force: true });
  return target;
}

/**
 * Loads the newest checkpoint of a run into the trainer and returns the state beside it; undefined when there is none. Throws ConfigError
 * when it is corrupt or the state is not of the schema.
 */
export async function loadLatestCheckpoint<Schema extends z.ZodType>(
  root: string,
  { trainer, schema }: { trainer: Trainer; schema: Schema },
  signal: AbortSignal,
): Promise<z.output<Schema> | undefined> {
  const newest = await latestCheckpoint(root);
  if (newest === undefined) return undefined;
  const state = await readState(join(newest, 'state.json'), schema);
  await trainer.load(newest, signal);
  return state;
}

/** The directory of the newest checkpoint below the root; undefined when there is none. */
export async function latestCheckpoint(root: string): Promise<string | undefined> {
  return (await listCheckpoints(root)).at(-1);
}

/** Checkpoint directories of a run, oldest first. */
async function listCheckpoints(root: string): Promise<string[]> {
  const names = await readdir(root).catch((cause: unknown) => {
    if (isMissing(cause)) return [];
    throw new ConfigError(`cannot read the checkpoints in ${root}`, { cause });
  });
  const steps = names.flatMap((name) => /^global_step_(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  return steps.sort((a, b) => a - b).map((step) => join(root, `global_step_${step}`));
}

async function readState<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new ConfigError(`${path} is missing or corrupt`, { cause });
  }
}

/** fsync of a file or directory. */
async function flush(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

/** A directory that is gone, if it was ever there, when it is disposed. */
class TemporaryDirectory implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Temporary directories of this process are left over too: it saves one checkpoint at a time. */
async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const owner = /^tmp-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || (Number(owner) !== process.pid && isAlive(Number(owner)))) continue;
    await rm(join(root, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
