import { InfrastructureError } from '../core/errors.js';
import { scoredTrajectories } from '../core/trajectories.js';
import type { JobFabric, TrainSequence } from '../core/types.js';
import { collectGroups } from '../rollout/collect.js';
import type { ResolvedRun } from './resolve-run.js';
import { episodesOf, tasksOf } from './run-episodes.js';

export interface DemonstrationRequest {
  readonly run: ResolvedRun;
  readonly fabric: JobFabric;
  readonly runId: string;
  /** Told after each episode. */
  onEpisode(): void;
}

/**
 * Episodes that the environment's teacher plays on the run's first train tasks, with real tools, as training sequences whose
 * advantages are 1 on the teacher's tokens. Those that fail are left out; throws InfrastructureError when all do.
 */
export async function collectDemonstrations(
  { run, fabric, runId, onEpisode }: DemonstrationRequest,
  signal: AbortSignal,
): Promise<TrainSequence[]> {
  const tasks = tasksOf(run, 'train', 0, run.config.warmStart.demonstrations);
  const demonstrations: TrainSequence[] = [];
  let failure = 'there was none';
  for await (const group of collectGroups(
    { ...episodesOf({ fabric }, run, runId), tasks, policy: 'teacher' },
    signal,
  )) {
    for (const { sequences } of scoredTrajectories(group)) {
      demonstrations.push(...sequences.map((sequence) => ({ ...sequence, advantages: sequence.mask })));
    }
    for (const outcome of group.outcomes) if (outcome.status === 'failed') failure = outcome.error.message;
    onEpisode();
  }
  if (demonstrations.length > 0) return demonstrations;
  throw new InfrastructureError('no_demonstrations', `every demonstration failed, the last because ${failure}`, {
    retryable: false,
  });
}
