import { Redis } from 'ioredis';
import { Deadline } from '../../core/deadline.js';
import { InfrastructureError } from '../../core/errors.js';
import { log } from '../../core/log.js';

/** Where a Redis listens. */
export type RedisAddress = { readonly path: string } | { readonly url: string };

const connectTimeoutMs = 4000;

/**
 * A client that answers PING; from then on it comes back by itself after every outage, and commands wait for it.
 * Throws InfrastructureError `redis_unreachable` after 4 s.
 */
export async function connectRedis(address: RedisAddress, signal: AbortSignal): Promise<Redis> {
  using deadline = new Deadline(signal, connectTimeoutMs);
  const client = createClient(address);
  let failure: Error | undefined;
  client.on('error', (error) => {
    failure = error;
  });
  try {
    await untilReady(client, deadline.signal);
    return client;
  } catch {
    client.disconnect();
    signal.throwIfAborted();
    const message = `Redis at ${describe(address)} does not answer: ${failure?.message ?? 'no reply'}`;
    throw new InfrastructureError('redis_unreachable', message, { retryable: true, cause: failure });
  }
}

/** Reports an outage once when it begins and once when it is over. */
export class OutageLog {
  #isDown = false;

  failed(error: Error): void {
    if (this.#isDown) log('debug', 'redis_error', { error: error.message });
    else log('warn', 'redis_error', { error: error.message });
    this.#isDown = true;
  }

  recovered(): void {
    if (this.#isDown) log('warn', 'redis_recovered');
    this.#isDown = false;
  }
}

/** The address without its password. */
export function describe(address: RedisAddress): string {
  return 'path' in address ? address.path : address.url.replace(/\/\/[^@/]*@/, '//');
}

function createClient(address: RedisAddress): Redis {
  const options = { retryStrategy: () => 200, maxRetriesPerRequest: null };
  return 'path' in address ? new Redis({ ...options, path: address.path }) : new Redis(address.url, options);
}

function untilReady(client: Redis, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('ready', resolve);
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
