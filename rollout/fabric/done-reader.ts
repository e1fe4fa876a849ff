import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { hangUp, type OutageLog } from './redis-client.js';

export interface DoneReaderOptions {
  readonly redis: Redis;
  readonly key: string;
  readonly outages: OutageLog;
  /** Gets the names of finished jobs; awaited before more are read. */
  onDone(keys: readonly string[]): Promise<void>;
}

const pauseAfterErrorMs = 200;

/** Follows the stream of finished jobs on a connection of its own until disposed. */
export class DoneReader implements AsyncDisposable {
  readonly #options: DoneReaderOptions;
  readonly #connection: Redis;
  readonly #loop: Promise<void>;
  #isClosed = false;

  private constructor(options: DoneReaderOptions, from: string) {
    this.#options = options;
    this.#connection = options.redis.duplicate();
    this.#connection.on('error', (error) => options.outages.failed(error));
    this.#loop = this.#follow(from);
  }

  /** Once it resolves, no job that finishes is missed. */
  static async start(options: DoneReaderOptions): Promise<DoneReader> {
    const newest = await options.redis.xrevrange(options.key, '+', '-', 'COUNT', 1);
    return new DoneReader(options, newest[0]?.[0] ?? '0-0');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await hangUp(this.#connection);
    await this.#loop;
  }

  async #follow(from: string): Promise<void> {
    let last = from;
    while (!this.#isClosed) {
      try {
        last = await this.#read(last);
      } catch (error) {
        if (this.#isClosed) return;
        this.#options.outages.failed(error instanceof Error ? error : new Error(String(error)));
        await delay(pauseAfterErrorMs);
      }
    }
  }

  /** Returns the id of the last entry read. */
  async #read(last: string): Promise<string> {
    const key = this.#options.key;
    const streams = await this.#connection.xread('COUNT', 256, 'BLOCK', 5000, 'STREAMS', key, last);
    const entries = streams?.[0]?.[1] ?? [];
    const keys = entries.flatMap(([, fields]) => fields[1] ?? []);
    if (keys.length > 0) await this.#options.onDone(keys);
    return entries.at(-1)?.[0] ?? last;
  }
}
