import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Abandonment } from './waiters.js';

/** A job's names in Redis: neither may hold ':' or be an integer. */
export interface JobName {
  readonly queue: string;
  readonly id: string;
}

/** What is known of a job: its final record, that BullMQ has it, or neither. */
export type Sighting =
  | { readonly state: 'finished'; readonly record: string }
  | { readonly state: 'pending' }
  | { readonly state: 'lost' };

/** What workers hear when nobody waits for a job any more. */
const cancellation = z.object({ queue: z.string(), id: z.string(), why: z.enum(['cancelled', 'deadline']) });

/** How long records outlive their job, in milliseconds: fetched by a submitter, or not yet. */
export interface Retention {
  readonly takenMs: number;
  readonly untakenMs: number;
}

/**
 * What the fabric keeps in Redis beside BullMQ's queues, all of it expiring:
 * `want`, per job, a sorted set of who waits for it and until when (by the clock of Redis); when it is gone the job is cancelled.
 * `result`, per job, the final record: the first writer wins.
 * `done`, a stream of the names of finished jobs.
 */
export class JobStore {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #retention: Retention;

  constructor(redis: Redis, namespace: string, retention: Retention) {
    this.#redis = redis;
    this.#prefix = `{verlet:${namespace}}`;
    this.#retention = retention;
  }

  /** The prefix for BullMQ's own keys. */
  get queuePrefix(): string {
    return `${this.#prefix}:queue`;
  }

  /** The pub/sub channel whose messages are cancellations. */
  get channel(): string {
    return `${this.#prefix}:cancel`;
  }

  get doneKey(): string {
    return `${this.#prefix}:done`;
  }

  /** Registers that `waiter` waits; returns the record if the job is finished already. */
  async want(job: JobName, waiter: string, leftMs: number): Promise<string | undefined> {
    const found = await this.#eval(wantScript, [this.#result(job), this.#want(job)], [waiter, Math.ceil(leftMs)]);
    return typeof found === 'string' ? found : undefined;
  }

  /** Takes the waiter back; returns true, and tells the workers, if nobody is left. */
  async unwant(job: JobName, waiter: string, why: Abandonment): Promise<boolean> {
    const message = JSON.stringify({ ...job, why });
    return (await this.#eval(unwantScript, [this.#want(job), this.channel], [waiter, message])) === 1;
  }

  /** Milliseconds until the last waiter of the job gives up; 0 when nobody waits or it is finished. */
  async leftMs(job: JobName): Promise<number> {
    return Number(await this.#eval(leftScript, [this.#result(job), this.#want(job)], []));
  }

  /** Makes the record the job's result, unless it has one or nobody waits. */
  async finish(job: JobName, record: string): Promise<void> {
    const keys = [this.#result(job), this.#want(job), this.doneKey];
    await this.#eval(finishScript, keys, [record, this.#retention.untakenMs, jobKey(job)]);
  }

  async look(job: JobName): Promise<Sighting> {
    const found = await this.#eval(lookScript, [this.#result(job), `${this.queuePrefix}:${jobKey(job)}`], []);
    if (typeof found === 'string') return { state: 'finished', record: found };
    return { state: found === 1 ? 'pending' : 'lost' };
  }

  /** Shortens the life of a record that its submitter has. */
  async taken(job: JobName): Promise<void> {
    await this.#redis.pexpire(this.#result(job), this.#retention.takenMs);
  }

  /** Lets what BullMQ keeps of an idle queue expire; a queue in use writes it anew. */
  async retire(queue: string): Promise<void> {
    const seconds = Math.ceil(this.#retention.untakenMs / 1000);
    for (const part of ['meta', 'events', 'id', 'marker']) {
      await this.#redis.expire(`${this.queuePrefix}:${queue}:${part}`, seconds);
    }
  }

  #eval(script: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return this.#redis.eval(script, keys.length, ...keys, ...values);
  }

  #result(job: JobName): string {
    return `${this.#prefix}:result:${jobKey(job)}`;
  }

  #want(job: JobName): string {
    return `${this.#prefix}:want:${jobKey(job)}`;
  }
}

/** The job of a message on the channel, and why nobody waits for it; undefined if the message is none of ours. */
export function readCancellation(message: string): z.infer<typeof cancellation> | undefined {
  try {
    return cancellation.parse(JSON.parse(message));
  } catch {
    return undefined; // the caller says so
  }
}

/** Names for a kind and an id of any characters. */
export function jobName(kind: string, id: string): JobName {
  return { queue: withoutColons(kind), id: `j${withoutColons(id)}` };
}

export function jobKey(job: JobName): string {
  return `${job.queue}:${job.id}`;
}

function withoutColons(text: string): string {
  return text.replaceAll('%', '%25').replaceAll(':', '%3A');
}

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

const wantScript = `${now}
local found = redis.call('GET', KEYS[1])
if found then return found end
local till = math.max(now + ARGV[2], tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0))
redis.call('ZADD', KEYS[2], till, ARGV[1])
redis.call('PEXPIREAT', KEYS[2], redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2])
return 0`;

const unwantScript = `${now}
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('PUBLISH', KEYS[2], ARGV[2])
return 1`;

const leftScript = `${now}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
return last and math.max(0, last - now) or 0`;

const finishScript = `
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('DEL', KEYS[2])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'job', ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 1`;

const lookScript = `
local found = redis.call('GET', KEYS[1])
if found then return found end
return redis.call('EXISTS', KEYS[2])`;
