import { metricsLine } from '../core/trackers/record.js';
import type { Metrics, Tracker } from '../core/types.js';
import type { TextStream } from './progress.js';

/** Writes each step's metrics as a line of JSON, the same that metrics.jsonl holds; trajectories are left to the files. */
export class StreamTracker implements Tracker {
  readonly #stream: TextStream;

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    this.#stream.write(`${metricsLine(step, metrics)}\n`);
  }

  async trajectories(): Promise<void> {}
}
