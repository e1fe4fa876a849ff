import { loadLatestCheckpoint } from '../core/checkpoint.js';
import { ConfigError } from '../core/errors.js';
import type { RunDirectory } from '../core/run-directory.js';
import { runState } from '../core/run-state.js';
import type { Metrics, Task, TrajectoryGroup } from '../core/types.js';
import { validationMetrics } from '../core/validation/validation-metrics.js';
import { type CollectRequest, collectGroups } from '../rollout/collect.js';
import { validationSampling } from '../rollout/config.js';
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
      const state = await loadLatestCheckpoint(
        directory.checkpointsPath,
        { trainer: house.trainer, schema: runState },
        signal,
      );
      if (state === undefined) throw new ConfigError(`${directory.displayPath} holds no checkpoint to evaluate`);
      await house.trainer.publish(signal);
      progress.phase('evaluate', 0);
      const request = { house, run, runId: directory.name, tasks: evalTasks, step: state.step };
      return validationMetrics(await evaluationGroups(request, signal));
    },
    signal,
  );
};

/** The same tasks at every evaluation of a run; throws ConfigError where the environment has fewer. */
export function evaluationTasks(run: ResolvedRun): Task[] {
  return tasksOf(run, 'eval', 0, run.config.data.evalSize);
}

export interface EvaluationRequest {
  readonly house: Pick<House, 'fabric' | 'score'>;
  readonly run: ResolvedRun;
  readonly runId: string;
  readonly tasks: readonly Task[];
  /** Of the weights that are evaluated. */
  readonly step: number;
}

/** Plays the tasks of an evaluation, as often and as freely as the config says, and puts a reward model's scores into the rewards. */
export async function evaluationGroups(
  { house, run, runId, tasks, step }: EvaluationRequest,
  signal: AbortSignal,
): Promise<readonly TrajectoryGroup[]> {
  const { rollout } = run.config;
  const request: CollectRequest = {
    ...episodesOf(house, run, runId),
    tasks,
    step,
    split: 'eval',
    n: rollout.valKwargs.n,
    sampling: validationSampling(rollout),
  };
  const groups: TrajectoryGroup[] = [];
  for await (const group of collectGroups(request, signal)) groups.push(group);
  return house.score === undefined ? groups : await house.score(groups, signal);
}
