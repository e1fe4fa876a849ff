import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { getPriority } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ConfigError, InfrastructureError } from '../../../core/errors.js';
import { spawnPolicyServer } from '../../../rollout/policy-server/spawn.js';
import { endless, never, sampling, trainSequence, updateOptions } from '../../helpers/policy-server.js';
import { spawnTwinServer, twinConfig, twinEntry } from '../../helpers/spawn-twin-server.js';

test('a spawned server samples, trains and publishes', async () => {
  await using twin = await spawnTwinServer();
  const before = await twin.engine.generate([1], sampling, never);
  await twin.trainer.update([trainSequence(8)], updateOptions, never);
  expect(await twin.trainer.publish(never)).toBe(1);
  expect((await twin.engine.generate([1], sampling, never)).logprobs).not.toEqual(before.logprobs);
});

test('tensor work gives way to the process that asked for it', async () => {
  await using twin = await spawnTwinServer();
  expect(getPriority(twin.server.pid)).toBeGreaterThan(getPriority());
});

test('disposing ends the process and aborts gone', async () => {
  const twin = await spawnTwinServer();
  await twin[Symbol.asyncDispose]();
  expect(isAlive(twin.server.pid)).toBe(false);
  expect(twin.server.gone.reason).toMatchObject({ code: 'engine_gone', message: expect.stringContaining('code 0') });
});

test('calls pending and later fail at once as engine_gone when the process is killed', async () => {
  await using twin = await spawnTwinServer();
  const pending = twin.engine.generate([1], endless, never).catch((reason) => reason);
  await twin.engine.generate([1], sampling, never);
  process.kill(twin.server.pid, 'SIGKILL');
  expect(await pending).toBeInstanceOf(InfrastructureError);
  expect(await pending).toMatchObject({ code: 'engine_gone', retryable: true });
  const start = performance.now();
  await expect(twin.engine.generate([1], sampling, never)).rejects.toMatchObject({ code: 'engine_gone' });
  await expect(twin.trainer.publish(never)).rejects.toMatchObject({ code: 'engine_gone' });
  expect(performance.now() - start).toBeLessThan(100);
});

test('a server that ends in order answers its calls as engine_gone', async () => {
  await using twin = await spawnTwinServer();
  const pending = twin.engine.generate([1], endless, never).catch((reason) => reason);
  await twin.engine.generate([1], sampling, never);
  await twin.server[Symbol.asyncDispose]();
  expect(await pending).toMatchObject({ code: 'engine_gone', retryable: true });
});

test('what the server cannot build is thrown by class, and no process is left', async () => {
  const start = spawnPolicyServer(twinConfig('refuse'), { entry: twinEntry }, never);
  const error = await start.catch((reason) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toBe('this model cannot be built; write another');
});

test('a server that dies before it listens is engine_gone', async () => {
  const start = spawnPolicyServer(twinConfig('die'), { entry: twinEntry }, never);
  await expect(start).rejects.toMatchObject({ code: 'engine_gone', message: expect.stringContaining('code 7') });
});

test('a server that does not get to listening ends with a deadline', async () => {
  const start = spawnPolicyServer(twinConfig('hang'), { entry: twinEntry, startTimeoutMs: 100 }, never);
  await expect(start).rejects.toMatchObject({ code: 'deadline', retryable: true });
});

test('an aborted start rejects with the reason', async () => {
  const controller = new AbortController();
  const start = spawnPolicyServer(twinConfig('hang'), { entry: twinEntry }, controller.signal);
  controller.abort(new Error('enough'));
  await expect(start).rejects.toThrow('enough');
});

for (const fate of ['serve', 'deaf']) {
  test(`a server whose parent is killed ends by itself (fate: ${fate})`, async () => {
    const script = fileURLToPath(new URL('../../fixtures/policy-parent.mjs', import.meta.url));
    const parent = spawn(process.execPath, [script, fate], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(parent.stdout, 'data');
    expect(isAlive(Number(line))).toBe(true);
    parent.kill('SIGKILL');
    while (isAlive(Number(line))) await setTimeout(10);
  });
}

test('a server that does not end in order is killed', async () => {
  const twin = await spawnTwinServer(twinConfig('deaf', 100));
  await twin[Symbol.asyncDispose]();
  expect(isAlive(twin.server.pid)).toBe(false);
  expect(twin.server.gone.reason.message).toContain('SIGKILL');
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
