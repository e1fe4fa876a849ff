import { ConfigError, InfrastructureError } from '../../core/errors.js';
import type { JobFabric } from '../../core/types.js';
import { BullmqFabric } from './bullmq.js';
import type { FabricConfig } from './config.js';
import { InProcessFabric } from './in-process.js';
import { describe, type RedisAddress } from './redis-client.js';
import { type PrivateRedis, startPrivateRedis } from './redis-server.js';

export interface OpenedFabric {
  readonly fabric: JobFabric;
  /** One sentence: which fabric it is and why. */
  readonly description: string;
}

/** Opens the fabric the config asks for; throws ConfigError within 5 s when there is no Redis where there should be one. */
export async function openFabric(config: FabricConfig, signal: AbortSignal): Promise<OpenedFabric> {
  signal.throwIfAborted();
  if (config.name === 'in-process') return inProcess('as configured');
  const url = config.redisUrl ?? (process.env.REDIS_URL || undefined);
  if (url !== undefined) return await sharedRedis(url, config.namespace, signal);
  const redis = await startPrivateRedis(signal);
  if (redis !== undefined) return await privateRedis(redis, config.namespace, signal);
  if (config.name === 'auto') return inProcess('no REDIS_URL is set and no redis-server is installed');
  throw new ConfigError(
    "fabric.name is 'bullmq' but there is no Redis: set fabric.redisUrl or REDIS_URL, install redis-server, or write name: in-process",
  );
}

function inProcess(why: string): OpenedFabric {
  return { fabric: new InProcessFabric(), description: `Jobs run in this process only: ${why}.` };
}

async function sharedRedis(url: string, namespace: string, signal: AbortSignal): Promise<OpenedFabric> {
  const address: RedisAddress = url.startsWith('/') ? { path: url } : { url };
  try {
    const fabric = await BullmqFabric.connect({ redis: address, namespace }, signal);
    return { fabric, description: `Jobs travel over BullMQ on the Redis at ${describe(address)}, as configured.` };
  } catch (error) {
    if (!(error instanceof InfrastructureError)) throw error;
    const remedy = 'start it, correct fabric.redisUrl or REDIS_URL, or write fabric.name: in-process';
    throw new ConfigError(`${error.message}; ${remedy}`, { cause: error });
  }
}

async function privateRedis(redis: PrivateRedis, namespace: string, signal: AbortSignal): Promise<OpenedFabric> {
  try {
    const fabric = await BullmqFabric.connect({ redis: { path: redis.path }, namespace }, signal);
    const description = `Jobs travel over BullMQ on a private redis-server at ${redis.path}: no REDIS_URL is set.`;
    return { fabric: withRedis(fabric, redis), description };
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw error;
  }
}

/** The fabric as the owner of the server it runs on. */
function withRedis(fabric: JobFabric, redis: PrivateRedis): JobFabric {
  return {
    submit: (kind, payload, options, signal) => fabric.submit(kind, payload, options, signal),
    work: (kind, handler, options) => fabric.work(kind, handler, options),
    [Symbol.asyncDispose]: async () => {
      await fabric[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}
