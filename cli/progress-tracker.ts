import type { Metrics, Tracker, Trajectory, TrajectoryGroup } from '../core/types.js';
import type { Progress } from './progress.js';

/** Shows what is tracked: every step's numbers, and one episode of each evaluation and now and then of training. */
export class ProgressTracker implements Tracker {
  readonly #progress: Progress;
  readonly #sampleEvery: number;

  constructor(progress: Progress, sampleEvery = 10) {
    this.#progress = progress;
    this.#sampleEvery = sampleEvery;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    this.#progress.step(step, metrics);
  }

  async trajectories(step: number, split: 'train' | 'eval', groups: readonly TrajectoryGroup[]): Promise<void> {
    if (split === 'train' && step % this.#sampleEvery !== 0) return;
    const shown = firstScored(groups);
    if (shown !== undefined) this.#progress.sample(shown);
  }
}

function firstScored(groups: readonly TrajectoryGroup[]): Trajectory | undefined {
  for (const { outcomes } of groups) {
    for (const outcome of outcomes) if (outcome.status === 'scored') return outcome.trajectory;
  }
  return undefined;
}
