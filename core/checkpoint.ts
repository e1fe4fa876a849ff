import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './errors.js';
import type { Trainer } from './types.js';

const stateSchema = z.strictObject({
  /** The last step whose update is in the weights. */
  step: z.int().min(0),
  /** Index of the next training task: the data position. */
  nextTask: z.int().min(0),
  /** All randomness is keyed by seed, step and task, so this is the random state. */
  seed: z.int(),
  /** Mean reward of the first evaluation, for the summary of a resumed run. */
  initialReward: z.number().nullable(),
});

/** What a run needs besides weights and optimizer to go on as if it had not stopped. */
export type RunState = z.output<typeof stateSchema>;

/**
 * Writes `root/global_step_N` so that it is there whole or not at all: everything goes into a temporary directory, is flushed,
 * and is renamed in one step. Afterwards all but the newest `keep` checkpoints are removed, and what a killed process left
 * half-written was removed before.
 */
export async function saveCheckpoint(
  root: string,
  { state, trainer, keep }: { state: RunState; trainer: Trainer; keep: number },
  signal: AbortSignal,
): Promise<string> {
  const target = join(root, `global_step_${state.step}`);
  await mkdir(root, { recursive: true });
  await removeUnfinished(root);
  const temporary = join(root, `${unfinished}${state.step}`);
  await mkdir(temporary);
  try {
    await trainer.save(temporary, signal);
    await writeFile(join(temporary, 'state.json'), `${JSON.stringify(state)}\n`);
    for (const name of await readdir(temporary)) await flush(join(temporary, name));
    await flush(temporary);
    await rm(target, { recursive: true, force: true });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await flush(root);
  for (const old of (await listCheckpoints(root)).slice(0, -keep)) await rm(old, { recursive: true, force: true });
  return target;
}

/** Loads the newest checkpoint of a run into the trainer; undefined when there is none. Throws ConfigError when it is corrupt. */
export async function loadLatestCheckpoint(
  root: string,
  trainer: Trainer,
  signal: AbortSignal,
): Promise<RunState | undefined> {
  const newest = (await listCheckpoints(root)).at(-1);
  if (newest === undefined) return undefined;
  const state = await readState(join(newest, 'state.json'));
  await trainer.load(newest, signal);
  return state;
}

/** How the names of checkpoints begin that are being written. */
const unfinished = 'tmp-';

async function removeUnfinished(root: string): Promise<void> {
  const names = (await readdir(root)).filter((name) => name.startsWith(unfinished));
  for (const name of names) await rm(join(root, name), { recursive: true });
}

/** Checkpoint directories of a run, oldest first. */
async function listCheckpoints(root: string): Promise<string[]> {
  const names = await readdir(root).catch(() => []);
  const steps = names.flatMap((name) => /^global_step_(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  return steps.sort((a, b) => a - b).map((step) => join(root, `global_step_${step}`));
}

async function readState(path: string): Promise<RunState> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new ConfigError(`${path} is missing or corrupt`, { cause });
  }
}

/** fsync of a file or directory. */
async function flush(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
