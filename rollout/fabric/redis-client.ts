import { Redis } from 'ioredis';
import { Deadline } from '../../core/deadline.js';
import { InfrastructureError } from '../../core/errors.js';
import { log } from '../../core/log.js';
import { atMost } from './at-most.js';

/** Where a Redis listens. */
export type RedisAddress = { readonly path: string } | { readonly url: string };

const connectTimeoutMs = 4000;
const hangUpMs = 1000;

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
    await hangUp(client);
    signal.throwIfAborted();
    const message = `Redis at ${describe(address)} does not answer: ${failure?.message ?? 'no reply'}`;
    throw new InfrastructureError('redis_unreachable', message, { retryable: true, cause: failure });
  }
}

/** Disconnects for good. Between two tries to reconnect, disconnect() alone would leave commands waiting for ever. */
export async function hangUp(client: Redis): Promise<void> {
  client.options.retryStrategy = () => null;
  if (client.status === 'end') return;
  const ended = new Promise((resolve) => client.once('end', resolve));
  if (client.status === 'reconnecting') client.once('connect', () => client.disconnect());
  else client.disconnect();
  await atMost(hangUpMs, ended);
}

/** Reports the errors of Redis clients: an outage once when it begins and once when it is over. */
export class OutageLog {
  #isDown = false;

  failed(error: Error): void {
    const isOutage = isConnectionError(error);
    log(isOutage && this.#isDown ? 'debug' : 'warn', 'redis_error', { error: error.message });
    this.#isDown ||= isOutage;
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

/** Errors of the operating system carry its code; those that Redis answers do not. */
function isConnectionError(error: Error): boolean {
  return ('code' in error && typeof error.code === 'string') || error.message === 'Connection is closed.';
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
