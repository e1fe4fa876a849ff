import { expect, test } from 'vitest';
import { decoding, endless, never, sampling, until } from '../../helpers/policy-server.js';
import { openTwinPolicy } from '../../helpers/twin-policy.js';
import { engineConformance } from './conformance.js';

engineConformance('local', async () => openTwinPolicy());

test('no more than maxBatchSize sequences are decoded at once, in the order they came', async () => {
  await using policy = openTwinPolicy({ maxBatchSize: 4 });
  const finished: number[] = [];
  const calls = Array.from({ length: 12 }, async (_, i) => {
    await policy.engine.generate([i + 1], { ...sampling, maxTokens: 4 }, never);
    finished.push(i);
  });
  await Promise.all(calls);
  expect(policy.sampler.largestBatch).toBe(4);
  expect(finished).toEqual(Array.from({ length: 12 }, (_, i) => i));
});

test('an aborted call leaves the sampler and gives its place to one that waits', async () => {
  await using policy = openTwinPolicy({ maxBatchSize: 1 });
  const controller = new AbortController();
  const aborted = policy.engine.generate([1], endless, controller.signal);
  const waiting = policy.engine.generate([2], sampling, never);
  await decoding(policy);
  controller.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  expect((await waiting).tokens.length).toBe(sampling.maxTokens);
  await until(() => policy.sampler.size === 0);
});

test('a call aborted while it waits is never decoded', async () => {
  await using policy = openTwinPolicy({ maxBatchSize: 1 });
  const first = policy.engine.generate([1], sampling, never);
  const controller = new AbortController();
  const second = policy.engine.generate([2], sampling, controller.signal);
  controller.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  await first;
  expect(policy.sampler.steps).toBe(sampling.maxTokens);
});

test('a failing step rejects what is in flight and spares what waits and what comes later', async () => {
  await using policy = openTwinPolicy({ maxBatchSize: 2 });
  policy.sampler.failure = new Error('out of memory');
  const calls = [1, 2, 3].map((token) => policy.engine.generate([token], sampling, never));
  const fates = await Promise.allSettled(calls);
  expect(fates.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(fates[0]).toMatchObject({ reason: { code: 'engine_failed', retryable: true } });
  expect((await policy.engine.generate([4], sampling, never)).tokens.length).toBe(sampling.maxTokens);
});

test('pause waits for the step in flight, and calls go on where they were once it is disposed', async () => {
  await using policy = openTwinPolicy();
  const alone = await policy.engine.generate([1], sampling, never);
  const call = policy.engine.generate([1], sampling, never);
  const paused = await policy.engine.pause(never);
  const { steps } = policy.sampler;
  policy.weights.use('the test')[Symbol.dispose]();
  await new Promise((resolve) => setImmediate(resolve));
  expect(policy.sampler.steps).toBe(steps);
  paused[Symbol.dispose]();
  expect(await call).toEqual(alone);
});

test('decoding resumes after the last of several pauses', async () => {
  await using policy = openTwinPolicy();
  const first = await policy.engine.pause(never);
  const second = await policy.engine.pause(never);
  const call = policy.engine.generate([1], sampling, never);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await new Promise((resolve) => setImmediate(resolve));
  expect(policy.sampler.steps).toBe(0);
  second[Symbol.dispose]();
  expect((await call).tokens.length).toBe(sampling.maxTokens);
});

test('an aborted pause leaves the engine running', async () => {
  await using policy = openTwinPolicy();
  const call = policy.engine.generate([1], sampling, never);
  const controller = new AbortController();
  const pause = policy.engine.pause(controller.signal);
  controller.abort(new Error('enough'));
  await expect(pause).rejects.toThrow('enough');
  expect((await call).tokens.length).toBe(sampling.maxTokens);
});

test('the event loop is served between steps', async () => {
  await using policy = openTwinPolicy();
  const call = policy.engine.generate([1], { ...sampling, maxTokens: 200 }, never);
  let turns = 0;
  const count = (): void => {
    turns++;
    if (policy.sampler.size > 0) setImmediate(count);
  };
  await decoding(policy);
  count();
  await call;
  expect(turns).toBeGreaterThan(100);
});

test('disposing rejects what is in flight and what comes later as engine_gone', async () => {
  const policy = openTwinPolicy({ maxBatchSize: 1 });
  const calls = [1, 2].map((token) => policy.engine.generate([token], endless, never));
  const settled = Promise.allSettled(calls);
  await decoding(policy);
  await policy[Symbol.asyncDispose]();
  for (const fate of await settled) expect(fate).toMatchObject({ reason: { code: 'engine_gone', retryable: true } });
  await expect(policy.engine.generate([1], sampling, never)).rejects.toMatchObject({ code: 'engine_gone' });
  expect(policy.sampler.size).toBe(0);
});
