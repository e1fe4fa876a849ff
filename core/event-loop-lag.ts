import { createHistogram } from 'node:perf_hooks';

const resolutionMs = 10;

/** How late this process comes to what is due while this lives: samples every 10 ms, less those 10 ms. */
export class EventLoopLag implements Disposable {
  readonly #lags = createHistogram(); // microseconds
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #last: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#last = now();
    this.#timer = setInterval(() => this.#sample(), resolutionMs).unref();
  }

  /** In milliseconds; a sample that is overdue counts, so that work which never let go is seen. 0 without samples. */
  p99(): number {
    if (this.#now() - this.#last > resolutionMs) this.#sample();
    return this.#lags.count === 0 ? 0 : this.#lags.percentile(99) / 1000;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const now = this.#now();
    const lagMs = Math.max(0, now - this.#last - resolutionMs);
    this.#lags.record(1 + Math.round(lagMs * 1000)); // a histogram takes no 0
    this.#last = now;
  }
}
