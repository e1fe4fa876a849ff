import { Worker, type WorkerOptions } from 'bullmq';
import { leaseLost } from './stops.js';

/** One running handler and the moment (performance.now) until which its job is surely ours. */
export interface Run {
  readonly abort: AbortController;
  leaseUntil: number;
}

/** A BullMQ job's processor. */
export type Processor = ConstructorParameters<typeof Worker>[1];

/**
 * A BullMQ worker that aborts a run before its lease can pass to another worker. BullMQ alone leaves the handler of a
 * partitioned worker running: its renewals just hang.
 */
export class LeasedWorker extends Worker {
  readonly runs = new Map<string, Run>();
  readonly #guard: NodeJS.Timeout;

  constructor(name: string, processor: Processor, options: WorkerOptions & { lockDuration: number }) {
    super(name, processor, options);
    const marginMs = options.lockDuration / 10;
    this.#guard = setInterval(() => this.#abortExpired(marginMs), Math.min(200, marginMs));
  }

  /** Called by BullMQ for all running jobs every quarter of the lease; returns the ids whose lock is lost. */
  override async extendJobLocks(ids: string[], tokens: string[], durationMs: number): Promise<string[]> {
    const from = performance.now(); // before the call: never later than Redis' own start of the lease
    const lost = await super.extendJobLocks(ids, tokens, durationMs);
    for (const id of ids) {
      const run = this.runs.get(id);
      if (run === undefined) continue;
      if (lost.includes(id)) run.abort.abort(leaseLost());
      else run.leaseUntil = from + durationMs;
    }
    return lost;
  }

  /** Ends what `close` could not end because Redis did not answer. */
  async abandon(): Promise<void> {
    clearInterval(this.#guard);
    if (this.closed) return;
    await this.lockManager.close();
    await this.getBackend().disconnectBlocking(false);
  }

  #abortExpired(marginMs: number): void {
    const latest = performance.now() + marginMs;
    for (const run of this.runs.values()) {
      if (run.leaseUntil < latest) run.abort.abort(leaseLost());
    }
  }
}
