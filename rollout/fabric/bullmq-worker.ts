import { type Job, WaitingError, type WorkerOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { log } from '../../core/log.js';
import type { JobHandler } from '../../core/types.js';
import { atMost } from './at-most.js';
import { type AttemptEnd, retryDelayMs, runAttempt } from './attempt.js';
import type { JobStore } from './job-store.js';
import { LeasedWorker, type Run } from './leased-worker.js';
import { encodeRecord, parsedJson } from './record.js';
import type { OutageLog } from './redis-client.js';
import { abandoned, shutDown } from './stops.js';
import type { Abandonment } from './waiters.js';

/** Times of the fabric on Redis, in milliseconds. */
export interface BullmqTimes {
  /** How long a worker may be silent before its jobs are another's. */
  readonly leaseMs: number;
  /** How often silent workers are looked for. */
  readonly stalledMs: number;
  /** How often submitters and workers look whether they missed a message. */
  readonly sweepMs: number;
  /** Wait before the second attempt; doubles with each further one. */
  readonly backoffMs: number;
}

export interface BullmqWorkerOptions {
  readonly queue: string;
  readonly handler: JobHandler;
  readonly concurrency: number;
  readonly redis: Redis;
  readonly store: JobStore;
  readonly times: BullmqTimes;
  readonly outages: OutageLog;
}

const jobsPerWorker = 250;
/** How long disposal waits for Redis once the handlers have ended. */
const farewellMs = 2000;

/** What BullMQ carries of a job. */
const jobData = z.strictObject({ id: z.string(), payload: parsedJson });

/** Runs the jobs of one kind. A run ends early when nobody waits for it, its lease is lost, or the worker is disposed. */
export class BullmqWorker implements AsyncDisposable {
  readonly #options: BullmqWorkerOptions;
  readonly #workers: readonly LeasedWorker[];
  readonly #patrol: NodeJS.Timeout;
  readonly #handlers = new Set<Promise<AttemptEnd>>();
  #isClosed = false;

  constructor(options: BullmqWorkerOptions) {
    this.#options = options;
    this.#workers = shares(options.concurrency).map((concurrency) => this.#open(concurrency));
    this.#patrol = setInterval(() => void this.#stopUnwanted(), options.times.sweepMs);
  }

  get queue(): string {
    return this.#options.queue;
  }

  /** Aborts the run of a job nobody waits for, if it runs here. */
  cancel(id: string, why: Abandonment): void {
    for (const worker of this.#workers) worker.runs.get(id)?.abort.abort(abandoned(why));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#patrol);
    const closings = this.#workers.map((worker) => worker.close());
    for (const worker of this.#workers) {
      for (const run of worker.runs.values()) run.abort.abort(shutDown());
    }
    await Promise.all(this.#handlers);
    await atMost(farewellMs, Promise.all(closings));
    await Promise.all(this.#workers.map((worker) => worker.abandon()));
  }

  #open(concurrency: number): LeasedWorker {
    const { queue, redis, store, times, outages } = this.#options;
    const options: WorkerOptions & { lockDuration: number } = {
      connection: redis,
      prefix: store.queuePrefix,
      concurrency,
      lockDuration: times.leaseMs,
      stalledInterval: times.stalledMs,
      maxStalledCount: 1_000_000, // a lost worker is counted by the attempts of the job
      runRetryDelay: 1000,
      settings: { backoffStrategy: (attempt) => retryDelayMs(attempt, times.backoffMs) },
    };
    const process = (job: Job, token = ''): Promise<void> => this.#process(worker, job, token);
    const worker: LeasedWorker = new LeasedWorker(queue, process, options);
    worker.on('error', (error) => outages.failed(error));
    return worker;
  }

  /** Returning removes the job from the queue; throwing has it tried again. */
  async #process(worker: LeasedWorker, job: Job, token: string): Promise<void> {
    if (this.#isClosed) return await giveBack(job, token);
    const { store, handler, times } = this.#options;
    const name = { queue: this.queue, id: job.id ?? '' };
    if ((await store.leftMs(name)) === 0) return;
    const attempt = job.attemptsMade + job.stalledCounter + 1; // a worker that died used one up
    const attempts = job.opts.attempts ?? 1;
    if (attempt > attempts) return await store.finish(name, workersLost(attempts));
    const data = jobData.safeParse(job.data);
    if (!data.success) return await store.finish(name, unreadable(data.error));
    const { id, payload } = data.data;
    const run = begin(job, times.leaseMs);
    if (this.#isClosed) run.abort.abort(shutDown());
    worker.runs.set(name.id, run);
    const running = runAttempt(handler, payload, { id, attempt, attempts, signal: run.abort.signal });
    this.#handlers.add(running);
    const ended = await running;
    this.#handlers.delete(running);
    worker.runs.delete(name.id);
    if (ended.end === 'finished') await store.finish(name, ended.record);
    else if (ended.end === 'retry') throw ended.error;
    else if ((await store.leftMs(name)) > 0) await giveBack(job, token);
  }

  /** Finds the runs whose cancellation was not heard, and those whose submitter is dead and past its deadline. */
  async #stopUnwanted(): Promise<void> {
    try {
      const ids = this.#workers.flatMap((worker) => [...worker.runs.keys()]);
      const left = await Promise.all(ids.map((id) => this.#options.store.leftMs({ queue: this.queue, id })));
      for (const [index, id] of ids.entries()) {
        if (left[index] === 0) this.cancel(id, 'deadline');
      }
    } catch (error) {
      log('debug', 'patrol_failed', { queue: this.queue, error: String(error) });
    }
  }
}

/** Smaller workers fetch a burst of jobs sooner and renew leases in smaller steps. */
function shares(concurrency: number): readonly number[] {
  const count = Math.ceil(concurrency / jobsPerWorker);
  return Array.from({ length: count }, (_, index) => Math.ceil((concurrency - index) / count));
}

function begin(job: Job, leaseMs: number): Run {
  const ageMs = Date.now() - (job.processedOn ?? Date.now());
  return { abort: new AbortController(), leaseUntil: performance.now() - ageMs + leaseMs };
}

/** Lets another worker run the job at once and as the same attempt. Always throws what tells BullMQ so. */
async function giveBack(job: Job, token: string): Promise<never> {
  try {
    await job.moveToWait(token);
  } catch (error) {
    log('debug', 'job_not_given_back', { id: job.id ?? '', error: String(error) }); // it is another worker's already
  }
  throw new WaitingError();
}

function workersLost(attempts: number): string {
  const message = `the workers that ran the job were lost ${attempts} times`;
  return encodeRecord({ ok: false, failure: { code: 'worker_lost', message, retryable: true } });
}

function unreadable(cause: z.ZodError): string {
  const message = `the job was submitted by another version: ${z.prettifyError(cause)}`;
  return encodeRecord({ ok: false, failure: { code: 'unreadable_job', message, retryable: false } });
}
