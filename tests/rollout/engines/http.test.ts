import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { ConfigError, InfrastructureError } from '../../../core/errors.js';
import { useBackend } from '../../../core/tensor/backend.js';
import { HttpEngine } from '../../../rollout/engines/http.js';
import { detectedBackend } from '../../helpers/backend.js';
import { EndlessEngine, endless, listen, never, sampling, until } from '../../helpers/policy-server.js';
import { openTinyEngine } from '../../helpers/tiny-engine.js';
import { engineConformance } from './conformance.js';

engineConformance('http', () => listen());

test('a server that is not there is engine_unreachable, and worth another try', async () => {
  await using server = await listen();
  await server.close();
  const error = await server.engine.generate([1], sampling, never).catch((reason) => reason);
  expect(error).toBeInstanceOf(InfrastructureError);
  expect(error).toMatchObject({ code: 'engine_unreachable', retryable: true });
});

test('a call that takes too long ends with a deadline', async () => {
  await using server = await listen({ engine: new EndlessEngine() }, 50);
  const error = await server.engine.generate([1], endless, never).catch((reason) => reason);
  expect(error).toBeInstanceOf(InfrastructureError);
  expect(error).toMatchObject({ code: 'deadline', retryable: true });
});

test('calls fail at once with the reason when the server process is gone', async () => {
  const stuck = new EndlessEngine();
  await using server = await listen({ engine: stuck });
  const gone = new AbortController();
  await using engine = new HttpEngine(server.url, { timeoutMs: 20_000, gone: gone.signal });
  const pending = engine.generate([1], endless, never);
  await until(() => stuck.open === 1);
  const reason = new InfrastructureError('engine_gone', 'process 1 ended', { retryable: true });
  gone.abort(reason);
  await expect(pending).rejects.toBe(reason);
  await expect(engine.generate([1], sampling, never)).rejects.toBe(reason);
});

test('an answer that is no generation is engine_bad_answer', async () => {
  const bodies = ['not json', '{"tokens":[1]}', '{"tokens":[1],"logprobs":[],"versions":[0],"finishReason":"stop"}'];
  const queue = [...bodies];
  const server = createServer((_, response) => response.end(queue.shift()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await using engine = new HttpEngine(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    timeoutMs: 5000,
  });
  for (const _ of bodies) {
    const call = engine.generate([1], sampling, never);
    await expect(call).rejects.toMatchObject({ code: 'engine_bad_answer', retryable: false });
  }
  server.close();
});

test('a connection cut in the middle of a call is engine_unreachable', async () => {
  const server = createServer((request) => request.socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await using engine = new HttpEngine(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    timeoutMs: 5000,
  });
  const call = engine.generate([1], sampling, never);
  await expect(call).rejects.toMatchObject({ code: 'engine_unreachable', retryable: true });
  server.close();
});

test('a URL that is none is a ConfigError', () => {
  expect(() => new HttpEngine('localhost', { timeoutMs: 1 })).toThrow(ConfigError);
});

test('a cut distribution is sampled over there as here, with its log-probs', async () => {
  await useBackend(detectedBackend);
  await using tiny = openTinyEngine();
  await using server = await listen({ engine: tiny.engine });
  const cut = { ...sampling, topK: 8, topP: 0.9, minP: 0.01 };
  const there = await server.engine.generate([1, 2], cut, never);
  expect(there).toEqual(await tiny.engine.generate([1, 2], cut, never));
  expect(there.samplingLogprobs).toHaveLength(there.tokens.length);
});
