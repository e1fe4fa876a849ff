import type { Metrics, Tracker, TrajectoryGroup } from '../types.js';

/** Tells every tracker, one after another in the order given; the first that throws ends the call. */
export class FanOutTracker implements Tracker {
  readonly #trackers: readonly Tracker[];

  constructor(trackers: readonly Tracker[]) {
    this.#trackers = trackers;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    for (const tracker of this.#trackers) await tracker.log(step, metrics);
  }

  async trajectories(step: number, split: 'train' | 'eval', groups: readonly TrajectoryGroup[]): Promise<void> {
    for (const tracker of this.#trackers) await tracker.trajectories(step, split, groups);
  }
}
