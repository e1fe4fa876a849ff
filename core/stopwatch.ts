import type { Metrics } from './types.js';

/** Times the parts of one step, by verl's names. */
export class Stopwatch {
  readonly #startedAt = performance.now();
  readonly #seconds = new Map<string, number>();

  /** Runs `work` and adds its wall time to the named part. */
  async measure<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    const result = await work();
    this.#seconds.set(name, (this.#seconds.get(name) ?? 0) + (performance.now() - startedAt) / 1000);
    return result;
  }

  /** timing_s/<part>, timing_s/step and perf/throughput in tokens a second. */
  metrics(totalTokens: number): Metrics {
    const step = (performance.now() - this.#startedAt) / 1000;
    const parts = Object.fromEntries([...this.#seconds].map(([name, seconds]) => [`timing_s/${name}`, seconds]));
    return { ...parts, 'timing_s/step': step, 'perf/time_per_step': step, 'perf/throughput': totalTokens / step };
  }
}
