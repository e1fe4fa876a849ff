import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { serverArguments, startPrivateRedis } from '../../../rollout/fabric/redis-server.js';

const never = new AbortController().signal;

test('a private redis answers on its socket and leaves neither process nor directory', async () => {
  const redis = (await startPrivateRedis(never))!;
  const pid = await pidOf(redis.path);
  expect(isRunning(pid)).toBe(true);
  await redis[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  expect(isRunning(pid)).toBe(false);
  expect(existsSync(dirname(redis.path))).toBe(false);
});

test('a private redis that dies by itself leaves no directory', async () => {
  await using redis = (await startPrivateRedis(never))!;
  process.kill(await pidOf(redis.path), 'SIGKILL');
  await until(() => !existsSync(dirname(redis.path)));
});

test('a private redis that hangs is killed', { timeout: 15_000 }, async () => {
  const redis = (await startPrivateRedis(never))!;
  const pid = await pidOf(redis.path);
  process.kill(pid, 'SIGSTOP');
  await redis[Symbol.asyncDispose]();
  await until(() => !isRunning(pid));
  expect(existsSync(dirname(redis.path))).toBe(false);
});

test('a private redis ends with its parent, killed with -9, and its directory with it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'verlet-redis-test-'));
  const args = JSON.stringify(serverArguments('redis-server', directory));
  const script = `require('child_process').spawn('sh', ${args}, {detached: true, stdio: ['pipe', 'ignore', 'ignore']})`;
  const parent = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  await until(() => existsSync(join(directory, 'redis.sock')));
  const pid = await pidOf(join(directory, 'redis.sock'));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await until(() => !existsSync(directory));
  expect(isRunning(pid)).toBe(false);
});

test('an aborted signal starts nothing that stays', async () => {
  await expect(startPrivateRedis(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});

async function pidOf(path: string): Promise<number> {
  const client = new Redis({ path });
  const info = await client.info('server');
  client.disconnect();
  return Number(/process_id:(\d+)/.exec(info)?.[1]);
}

/** False for zombies too: where nothing reaps orphans they stay. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
