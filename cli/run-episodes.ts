import type { Task } from '../core/types.js';
import type { Split } from '../envs/environment.js';
import type { CollectRequest } from '../rollout/collect.js';
import type { House } from './house.js';
import type { ResolvedRun } from './resolve-run.js';

/** What every collection of episodes of a run has in common: one episode a task, of the train split, before the first step. */
export function episodesOf(
  { fabric }: Pick<House, 'fabric'>,
  { config }: ResolvedRun,
  runId: string,
): Omit<CollectRequest, 'tasks'> {
  const { deadlineMs, attempts } = config.fabric;
  return { fabric, n: 1, step: 0, split: 'train', runId, seed: config.seed, deadlineMs, attempts };
}

/** `count` tasks of a split from index `start`. */
export function tasksOf({ env, envOptions, config }: ResolvedRun, split: Split, start: number, count: number): Task[] {
  return Array.from({ length: count }, (_, i) => env.task(envOptions, split, start + i, config.seed));
}
