import type { Metrics, Tracker, TrajectoryGroup } from '../types.js';

/** Tells every tracker, one after another in the order given; what the first failing one threw is thrown when all were told. */
export class FanOutTracker implements Tracker {
  readonly #trackers: readonly Tracker[];

  constructor(trackers: readonly Tracker[]) {
    this.#trackers = trackers;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    await this.#tell((tracker) => tracker.log(step, metrics));
  }

  async trajectories(step: number, split: 'train' | 'eval', groups: readonly TrajectoryGroup[]): Promise<void> {
    await this.#tell((tracker) => tracker.trajectories(step, split, groups));
  }

  async #tell(tell: (tracker: Tracker) => Promise<void>): Promise<void> {
    const failures: unknown[] = [];
    for (const tracker of this.#trackers) await tell(tracker).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}
