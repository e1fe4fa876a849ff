import type { Metrics, TrajectoryGroup } from '../types.js';
import {
  type MetricsRecord,
  metricsLine,
  metricsRecord,
  type ReadableTracker,
  type TrackedSplit,
  type TrajectoryRecord,
  trajectoryLines,
  trajectoryRecord,
} from './record.js';

/** Keeps what it is told in memory, as the lines a file would hold: later changes of the caller's objects do not show. */
export class MemoryTracker implements ReadableTracker {
  #metrics: { step: number; line: string }[] = [];
  readonly #trajectories = { train: new Map<number, string[]>(), eval: new Map<number, string[]>() };

  async log(step: number, metrics: Metrics): Promise<void> {
    this.#metrics.push({ step, line: metricsLine(step, metrics) });
  }

  async trajectories(step: number, split: TrackedSplit, groups: readonly TrajectoryGroup[]): Promise<void> {
    this.#trajectories[split].set(step, trajectoryLines(step, split, groups));
  }

  async readMetrics(): Promise<MetricsRecord[]> {
    return this.#metrics.map(({ line }) => metricsRecord.parse(JSON.parse(line)));
  }

  async readTrajectories(split: TrackedSplit, step: number): Promise<TrajectoryRecord[]> {
    return (this.#trajectories[split].get(step) ?? []).map((line) => trajectoryRecord.parse(JSON.parse(line)));
  }

  async trajectorySteps(split: TrackedSplit): Promise<number[]> {
    return [...this.#trajectories[split].keys()].sort((a, b) => a - b);
  }

  async resumeAt(step: number): Promise<void> {
    this.#metrics = this.#metrics.filter((entry) => entry.step <= step);
    for (const map of Object.values(this.#trajectories)) {
      for (const key of [...map.keys()]) if (key > step) map.delete(key);
    }
  }
}
