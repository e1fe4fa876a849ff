import { loadLatestCheckpoint } from '../core/checkpoint.js';
import { ConfigError } from '../core/errors.js';
import type { RunDirectory } from '../core/run-directory.js';
import { evaluationMetrics } from '../core/step-metrics.js';
import type { Metrics, Task, TrajectoryGroup } from '../core/types.js';
import { type CollectRequest, collectGroups } from '../rollout/collect.js';
import { type House, withHouse } from './house.js';
import type { Progress } from './progress.js';
import type { ResolvedRun } from './resolve-run.js';
import { episodesOf, tasksOf } from './run-episodes.js';

/** Everything an evaluation of a trained run is given. */
export interface EvaluationOptions {
  readonly run: ResolvedRun;
  readonly directory: RunDirectory;
  readonly progress: Progress;
}

/** Evaluates the newest checkpoint; returns its metrics by verl's names (val-core/…, val-aux/…). */
export type RunEvaluation = (options: EvaluationOptions, signal: AbortSignal) => Promise<Metrics>;

export const runEvaluation: RunEvaluation = async ({ run, directory, progress }, signal) => {
  const evalTasks = evaluationTasks(run);
  return withHouse(
    run,
    async (house, signal) => {
      const state = await loadLatestCheckpoint(directory.checkpointsPath, house.trainer, signal);
      if (state === undefined) throw new ConfigError(`${directory.displayPath} holds no checkpoint to evaluate`);
      await house.trainer.publish(signal);
      progress.phase('evaluate', 0);
      const request = {
        ...episodesOf(house, run, directory.name),
        tasks: evalTasks,
        step: state.step,
        ...(house.score && { score: house.score }),
      };
      return evaluationMetrics(await evaluationGroups(request, signal));
    },
    signal,
  );
};

/** The same tasks at every evaluation of a run; throws ConfigError where the environment has fewer. */
export function evaluationTasks(run: ResolvedRun): Task[] {
  return tasksOf(run, 'eval', 0, run.config.data.evalSize);
}

/** Plays the tasks of an evaluation; `score` puts a reward model's scores into the rewards. */
export async function evaluationGroups(
  { score, ...request }: CollectRequest & Pick<House, 'score'>,
  signal: AbortSignal,
): Promise<readonly TrajectoryGroup[]> {
  const groups: TrajectoryGroup[] = [];
  for await (const group of collectGroups({ ...request, split: 'eval' }, signal)) groups.push(group);
  return score === undefined ? groups : await score(groups, signal);
}
