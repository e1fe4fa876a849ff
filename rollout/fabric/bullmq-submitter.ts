import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { InfrastructureError } from '../../core/errors.js';
import { log } from '../../core/log.js';
import type { Json, SubmitOptions } from '../../core/types.js';
import type { BullmqTimes } from './bullmq-worker.js';
import { DoneReader } from './done-reader.js';
import { type JobName, type JobStore, jobKey, jobName } from './job-store.js';
import type { OutageLog } from './redis-client.js';
import { type Abandonment, closed, Waiters } from './waiters.js';

export interface BullmqSubmitterOptions {
  readonly redis: Redis;
  readonly store: JobStore;
  readonly times: BullmqTimes;
  readonly outages: OutageLog;
}

/** A job somebody here waits for. */
interface Pending {
  readonly key: string;
  readonly name: JobName;
  readonly kind: string;
  readonly id: string;
  readonly payload: Json;
  readonly attempts: number;
  /** The latest moment (performance.now) until which anybody here waits. */
  until: number;
}

/** Hands jobs to BullMQ and waits for their results. */
export class BullmqSubmitter implements AsyncDisposable {
  readonly #options: BullmqSubmitterOptions;
  readonly #id = randomUUID();
  readonly #waiters = new Waiters();
  readonly #pending = new Map<string, Pending>();
  /** What is being done in Redis about each job, one step after the other. */
  readonly #steps = new Map<string, Promise<void>>();
  readonly #queues = new Map<string, Queue>();
  readonly #sweeper: NodeJS.Timeout;
  #sweep: Promise<void> | undefined;
  #reader: DoneReader | undefined;
  #readerStart: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: BullmqSubmitterOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.#startSweep(), options.times.sweepMs);
  }

  async submit(kind: string, payload: Json, options: SubmitOptions, signal: AbortSignal): Promise<Json> {
    if (this.#isClosed) throw closed();
    const name = jobName(kind, options.id);
    const key = jobKey(name);
    const { deadlineMs, attempts } = options;
    const onAbandoned = (why: Abandonment): void => this.#abandon(key, why);
    const result = this.#waiters.join(key, { deadlineMs, onAbandoned }, signal);
    if (!this.#waiters.has(key)) return await result;
    const until = performance.now() + deadlineMs;
    const known = this.#pending.get(key);
    const pending = known ?? { key, name, kind, id: options.id, payload, attempts, until };
    pending.until = Math.max(pending.until, until);
    this.#pending.set(key, pending);
    this.#then(key, () => this.#enqueue(pending));
    return await result;
  }

  /** Rejects what waits and takes its jobs out of the queue. Steps that Redis does not answer end when it is disconnected. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    for (const key of [...this.#pending.keys()]) {
      this.#waiters.reject(key, closed());
      this.#abandon(key, 'cancelled');
    }
    await Promise.all([...this.#steps.values(), this.#sweep]);
    for (const [name, queue] of this.#queues) {
      await this.#options.store.retire(name);
      await queue.close();
    }
  }

  /** Apart from disposal because it must also work when the steps above have no answer. */
  async closeReader(): Promise<void> {
    await this.#reader?.[Symbol.asyncDispose]();
  }

  /** Runs the step after those already begun for the job; if Redis refuses, its submitters hear of it. */
  #then(key: string, step: () => Promise<void>): void {
    const steps = (this.#steps.get(key) ?? Promise.resolve())
      .then(step)
      .catch((error) => this.#fail(key, error))
      .finally(() => {
        if (this.#steps.get(key) === steps) this.#steps.delete(key);
      });
    this.#steps.set(key, steps);
  }

  #fail(key: string, error: unknown): void {
    this.#pending.delete(key);
    this.#waiters.reject(key, refused(error));
  }

  async #enqueue(job: Pending): Promise<void> {
    this.#readerStart ??= this.#startReader();
    await this.#readerStart;
    if (this.#pending.get(job.key) !== job) return; // abandoned meanwhile
    const record = await this.#options.store.want(job.name, this.#id, Math.max(0, job.until - performance.now()));
    if (record !== undefined) return await this.#settle(job, record);
    const data = { id: job.id, payload: job.payload };
    await this.#queue(job.name.queue).add(job.kind, data, {
      jobId: job.name.id,
      attempts: job.attempts,
      backoff: { type: 'custom' },
      removeOnComplete: true,
      removeOnFail: true,
    });
  }

  #abandon(key: string, why: Abandonment): void {
    const job = this.#pending.get(key);
    if (job === undefined) return;
    this.#pending.delete(key);
    this.#then(key, async () => {
      const isUnwanted = await this.#options.store.unwant(job.name, this.#id, why);
      if (isUnwanted) await this.#queue(job.name.queue).remove(job.name.id);
    });
  }

  async #settle(job: Pending, record: string): Promise<void> {
    if (this.#pending.get(job.key) === job) this.#pending.delete(job.key);
    this.#waiters.settle(job.key, record);
    await this.#options.store.taken(job.name);
  }

  async #startReader(): Promise<void> {
    const { redis, store, outages } = this.#options;
    const onDone = async (keys: readonly string[]): Promise<void> => {
      const jobs = keys.flatMap((key) => this.#pending.get(key) ?? []);
      await Promise.all(jobs.map((job) => this.#look(job)));
    };
    try {
      this.#reader = await DoneReader.start({ redis, key: store.doneKey, outages, onDone });
    } catch (error) {
      this.#readerStart = undefined; // the next submission tries again
      throw error;
    }
  }

  /** Fetches the result if there is one, and submits again what Redis has forgotten. */
  async #look(job: Pending): Promise<void> {
    const seen = await this.#options.store.look(job.name);
    if (seen.state === 'finished') await this.#settle(job, seen.record);
    else if (seen.state === 'lost' && !this.#steps.has(job.key)) this.#then(job.key, () => this.#enqueue(job));
  }

  #startSweep(): void {
    this.#sweep ??= this.#lookForAll().finally(() => {
      this.#sweep = undefined;
    });
  }

  /** Repairs what a lost message, a crash of Redis or a race between two submitters left behind. */
  async #lookForAll(): Promise<void> {
    try {
      const jobs = [...this.#pending.values()];
      for (let i = 0; i < jobs.length; i += 100) {
        await Promise.all(jobs.slice(i, i + 100).map((job) => this.#look(job)));
      }
    } catch (error) {
      log('debug', 'sweep_failed', { error: String(error) });
    }
  }

  #queue(name: string): Queue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const { redis, store, outages } = this.#options;
    const streams = { events: { maxLen: 0 } }; // nobody reads BullMQ's own events
    const queue = new Queue(name, { connection: redis, prefix: store.queuePrefix, streams });
    queue.on('error', (error) => outages.failed(error));
    this.#queues.set(name, queue);
    return queue;
  }
}

function refused(error: unknown): InfrastructureError {
  const text = error instanceof Error ? error.message : String(error);
  return new InfrastructureError('redis_failed', `Redis refused a job: ${text}`, { retryable: true, cause: error });
}
