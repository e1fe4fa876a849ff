import { estimatorNeeds } from '../core/algorithms.js';
import type { CollectStep } from '../core/training-step.js';
import { scoredTrajectories } from '../core/trajectories.js';
import type { Outcome, Task, TrajectoryGroup } from '../core/types.js';
import { type CollectRequest, collectGroups } from '../rollout/collect.js';
import type { House } from './house.js';
import type { ResolvedRun } from './resolve-run.js';
import { episodesOf, tasksOf } from './run-episodes.js';

export interface TrainingGroupsOptions {
  readonly house: Pick<House, 'fabric' | 'score'>;
  readonly run: ResolvedRun;
  readonly runId: string;
}

/**
 * The groups of training steps: the policy's episodes of the next tasks, and beside them what the algorithm asks for: a greedy
 * episode of each task, episodes of the teacher. Knows which train task comes next.
 */
export class TrainingGroups {
  readonly #options: TrainingGroupsOptions;
  #nextTask: number;
  /** The last step that was collected to its end, and the train task that came next then. */
  #finished: { step: number; nextTask: number };

  constructor(options: TrainingGroupsOptions, nextTask: number) {
    this.#options = options;
    this.#nextTask = nextTask;
    this.#finished = { step: 0, nextTask };
  }

  /** Goes on after the step that a checkpoint was written at. */
  takeUp({ step, nextTask }: { readonly step: number; readonly nextTask: number }): void {
    this.#nextTask = nextTask;
    this.#finished = { step, nextTask };
  }

  /** The train task that comes after those of a finished step: the last one, or the one before where that is not finished. */
  nextTaskAfter(step: number): number {
    return step === this.#finished.step ? this.#finished.nextTask : this.#nextTask;
  }

  async *collect({ step, round }: CollectStep, signal: AbortSignal): AsyncGenerator<TrajectoryGroup, void> {
    const { run, house } = this.#options;
    const { data, algorithm } = run.config;
    if (round === 0) this.#finished = { step: step - 1, nextTask: this.#nextTask };
    const tasks = tasksOf(run, 'train', this.#nextTask, data.trainBatchSize);
    this.#nextTask += tasks.length;
    const greedy = estimatorNeeds(algorithm.advEstimator.name).includes('greedyReward')
      ? await this.#besides(tasks, { step, n: 1, temperature: 0, name: 'greedy' }, signal)
      : undefined;
    const baseline = greedy && house.score ? await house.score(greedy, signal) : greedy;
    const expert =
      algorithm.offPolicyN > 0
        ? await this.#besides(tasks, { step, n: algorithm.offPolicyN, policy: 'teacher', name: 'expert' }, signal)
        : undefined;
    for await (const group of collectGroups(this.#request(tasks, step), signal)) {
      const index = tasks.indexOf(group.task);
      const complete = withExperts(group, expert?.[index]);
      if (baseline === undefined) yield complete;
      else yield withGreedyReward(complete, baseline[index]);
    }
  }

  #request(tasks: readonly Task[], step: number): CollectRequest {
    const { house, run, runId } = this.#options;
    return { ...episodesOf(house, run, runId), tasks, step, n: run.config.rollout.n };
  }

  async #besides(
    tasks: readonly Task[],
    { name, ...request }: Pick<CollectRequest, 'step' | 'n' | 'temperature' | 'policy'> & { readonly name: string },
    signal: AbortSignal,
  ): Promise<TrajectoryGroup[]> {
    const groups: TrajectoryGroup[] = [];
    const runId = `${this.#options.runId}-${name}`;
    for await (const group of collectGroups({ ...this.#request(tasks, request.step), ...request, runId }, signal)) {
      groups.push(group);
    }
    return groups;
  }
}

function withExperts(group: TrajectoryGroup, expert: TrajectoryGroup | undefined): TrajectoryGroup {
  if (expert === undefined) return group;
  const outcomes = expert.outcomes.map(
    (outcome): Outcome =>
      outcome.status === 'scored' ? { ...outcome, trajectory: { ...outcome.trajectory, isOffPolicy: true } } : outcome,
  );
  return { ...group, outcomes: [...group.outcomes, ...outcomes] };
}

/** Without its baseline a group says nothing: where the greedy episode failed, so did the group. */
function withGreedyReward(group: TrajectoryGroup, greedy: TrajectoryGroup | undefined): TrajectoryGroup {
  const [trajectory] = greedy === undefined ? [] : scoredTrajectories(greedy);
  if (trajectory !== undefined) return { ...group, greedyReward: trajectory.reward.value };
  const error = { code: 'greedy_failed', message: 'the greedy episode of the task failed', retryable: false };
  return { ...group, outcomes: group.outcomes.map(() => ({ status: 'failed', error })) };
}
