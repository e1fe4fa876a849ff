import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { fabricConfig } from '../../../rollout/fabric/config.js';
import { openFabric } from '../../../rollout/fabric/open-fabric.js';
import { startPrivateRedis } from '../../../rollout/fabric/redis-server.js';

const never = new AbortController().signal;
const { PATH, REDIS_URL } = process.env;

beforeEach(() => {
  delete process.env.REDIS_URL;
});
afterEach(() => {
  process.env.PATH = PATH;
  if (REDIS_URL !== undefined) process.env.REDIS_URL = REDIS_URL;
});

test('auto uses a private redis-server where one is installed and stops it with the fabric', async () => {
  const { fabric, description } = await openFabric(fabricConfig.parse({}), never);
  const path = /private redis-server at (\S+): no REDIS_URL/.exec(description)?.[1] ?? '';
  fabric.work('n', async (json) => json, { concurrency: 1 });
  expect(await fabric.submit('n', 'x', { id: 'x', deadlineMs: 5000, attempts: 1 }, never)).toBe('x');
  expect(existsSync(path)).toBe(true);
  await fabric[Symbol.asyncDispose]();
  expect(existsSync(dirname(path))).toBe(false);
});

test('auto stays in the process where there is no Redis', async () => {
  process.env.PATH = '/nowhere';
  const { fabric, description } = await openFabric(fabricConfig.parse({}), never);
  await using _fabric = fabric;
  expect(description).toMatch(/in this process only: .*no redis-server is installed/);
});

test('REDIS_URL is used when the config names no Redis', async () => {
  await using redis = (await startPrivateRedis(never))!;
  process.env.REDIS_URL = redis.path;
  const { fabric, description } = await openFabric(fabricConfig.parse({}), never);
  await using _fabric = fabric;
  expect(description).toContain(redis.path);
});

test('an unreachable Redis is a ConfigError with a remedy within 5 s, and its password stays secret', async () => {
  const config = fabricConfig.parse({ redisUrl: 'redis://me:secret@127.0.0.1:1/0' });
  const from = performance.now();
  const error = await openFabric(config, never).catch((thrown: unknown) => thrown);
  expect(performance.now() - from).toBeLessThan(5000);
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toMatch(/127\.0\.0\.1:1.*ECONNREFUSED.*fabric\.redisUrl/);
  expect(String(error)).not.toContain('secret');
});

test('bullmq without any Redis is a ConfigError with a remedy', async () => {
  process.env.PATH = '/nowhere';
  const error = await openFabric(fabricConfig.parse({ name: 'bullmq' }), never).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toContain('install redis-server');
});

test('unknown keys, wrong addresses and values out of bounds are refused', () => {
  expect(fabricConfig.parse({})).toMatchObject({ name: 'auto', attempts: 3, concurrency: 64 });
  for (const wrong of [{ nmae: 'auto' }, { redisUrl: 'localhost' }, { attempts: 0 }, { namespace: 'a:b' }]) {
    expect(fabricConfig.safeParse(wrong).success).toBe(false);
  }
});
