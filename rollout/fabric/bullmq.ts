import type { Redis } from 'ioredis';
import { log } from '../../core/log.js';
import type { JobFabric, JobHandler, Json, SubmitOptions, WorkOptions } from '../../core/types.js';
import { atMost } from './at-most.js';
import { BullmqSubmitter } from './bullmq-submitter.js';
import { type BullmqTimes, BullmqWorker } from './bullmq-worker.js';
import { JobStore, jobName, type Retention, readCancellation } from './job-store.js';
import { connectRedis, hangUp, OutageLog, type RedisAddress } from './redis-client.js';
import { closed } from './waiters.js';

export interface BullmqFabricOptions {
  readonly redis: RedisAddress;
  /** Fabrics of one Redis and namespace share their jobs: letters, digits, dots, dashes and underscores. */
  readonly namespace: string;
  readonly times?: Partial<BullmqTimes>;
  readonly retention?: Partial<Retention>;
}

const defaultTimes: BullmqTimes = { leaseMs: 30_000, stalledMs: 5000, sweepMs: 5000, backoffMs: 1000 };
const defaultRetention: Retention = { takenMs: 60_000, untakenMs: 3_600_000 };
/** How long disposal waits for Redis to answer. */
const farewellMs = 2000;

/** The fabric of many processes and machines: BullMQ carries leases, retries and delays; results travel beside it. */
export class BullmqFabric implements JobFabric {
  readonly #redis: Redis;
  readonly #store: JobStore;
  readonly #times: BullmqTimes;
  readonly #outages = new OutageLog();
  readonly #submitter: BullmqSubmitter;
  readonly #workers = new Set<BullmqWorker>();
  #subscriber: Redis | undefined;
  #disposal: Promise<void> | undefined;

  private constructor(redis: Redis, options: BullmqFabricOptions) {
    this.#redis = redis;
    this.#times = { ...defaultTimes, ...options.times };
    this.#store = new JobStore(redis, options.namespace, { ...defaultRetention, ...options.retention });
    this.#submitter = new BullmqSubmitter({
      redis,
      store: this.#store,
      times: this.#times,
      outages: this.#outages,
    });
    redis.on('error', (error) => this.#outages.failed(error));
    redis.on('ready', () => this.#outages.recovered());
  }

  /** Throws InfrastructureError `redis_unreachable` when no Redis answers within 4 s. */
  static async connect(options: BullmqFabricOptions, signal: AbortSignal): Promise<BullmqFabric> {
    return new BullmqFabric(await connectRedis(options.redis, signal), options);
  }

  submit(kind: string, payload: Json, options: SubmitOptions, signal: AbortSignal): Promise<Json> {
    return this.#submitter.submit(kind, payload, options, signal);
  }

  work(kind: string, handler: JobHandler, options: WorkOptions): AsyncDisposable {
    if (this.#disposal !== undefined) throw closed();
    this.#subscriber ??= this.#subscribe();
    const worker = new BullmqWorker({
      queue: jobName(kind, '').queue,
      handler,
      concurrency: options.concurrency,
      redis: this.#redis,
      store: this.#store,
      times: this.#times,
      outages: this.#outages,
    });
    this.#workers.add(worker);
    return {
      [Symbol.asyncDispose]: async () => {
        await worker[Symbol.asyncDispose]();
        this.#workers.delete(worker);
      },
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    const farewell = atMost(farewellMs, this.#submitter[Symbol.asyncDispose]());
    await Promise.all([...this.#workers].map((worker) => worker[Symbol.asyncDispose]()));
    await farewell;
    await Promise.all([
      hangUp(this.#redis),
      this.#subscriber && hangUp(this.#subscriber),
      this.#submitter.closeReader(),
    ]);
  }

  /** Hears of jobs nobody waits for any more. What is missed in an outage, the patrol of the worker finds. */
  #subscribe(): Redis {
    const subscriber = this.#redis.duplicate();
    subscriber.on('error', (error) => this.#outages.failed(error));
    subscriber.on('message', (_channel, message) => this.#cancel(message));
    subscriber.subscribe(this.#store.channel).catch((error) => this.#outages.failed(error));
    return subscriber;
  }

  #cancel(message: string): void {
    const cancelled = readCancellation(message);
    if (cancelled === undefined) log('warn', 'unreadable_cancellation', { message: message.slice(0, 200) });
    for (const worker of this.#workers) {
      if (worker.queue === cancelled?.queue) worker.cancel(cancelled.id, cancelled.why);
    }
  }
}
