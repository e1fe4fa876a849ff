import { expect, test } from 'vitest';
import { InfrastructureError } from '../../../core/errors.js';
import { setLogSink } from '../../../core/log.js';
import type { InferredColumns, Trainer } from '../../../core/types.js';
import { HttpTrainer } from '../../../rollout/trainers/http.js';
import {
  decoding,
  EndlessEngine,
  endless,
  type ListeningPolicy,
  listen,
  never,
  sampling,
  trainSequence,
  until,
  updateOptions,
} from '../../helpers/policy-server.js';

test('health tells the backend and the version that sampling uses', async () => {
  await using server = await listen();
  expect(await health(server)).toEqual({ status: 'ready', version: 0, backend: 'twin' });
  await server.trainer.update([trainSequence(4)], updateOptions, never);
  expect((await health(server)).version).toBe(0);
  await server.trainer.publish(never);
  expect((await health(server)).version).toBe(1);
});

test('a client that goes away aborts its generation', async () => {
  const engine = new EndlessEngine();
  await using server = await listen({ engine });
  const controller = new AbortController();
  const call = server.engine.generate([1], endless, controller.signal);
  await until(() => engine.open === 1);
  controller.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  await until(() => engine.open === 0);
});

test('a client that goes away aborts its update, and the trainer is free again', async () => {
  const trainer = new EndlessTrainer();
  await using server = await listen({ trainer });
  const controller = new AbortController();
  const call = server.trainer.update([], updateOptions, controller.signal);
  await until(() => trainer.open === 1);
  controller.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  await until(() => trainer.open === 0);
  expect(await server.trainer.publish(never)).toBe(3);
});

test('an update in the middle of decoding finishes, and so does the decoding', async () => {
  await using server = await listen();
  const alone = await server.engine.generate([1], { ...sampling, maxTokens: 200 }, never);
  const call = server.engine.generate([1], { ...sampling, maxTokens: 200 }, never);
  await decoding(server.policy);
  const metrics = await server.trainer.update([trainSequence(8)], { ...updateOptions, ppoEpochs: 20 }, never);
  expect(metrics['actor/pg_loss']).toBeCloseTo(-0.5);
  expect(await call).toEqual(alone);
});

test('a generation that spans a publish says which version sampled each token', async () => {
  await using server = await listen();
  const call = server.engine.generate([1], { ...sampling, maxTokens: 400 }, never);
  await decoding(server.policy);
  await server.trainer.update([trainSequence(8)], updateOptions, never);
  await server.trainer.publish(never);
  const { versions } = await call;
  expect(new Set(versions)).toEqual(new Set([0, 1]));
  expect(versions).toEqual(versions.toSorted());
});

test('a second trainer call meanwhile is turned away as trainer_busy', async () => {
  const trainer = new EndlessTrainer();
  await using server = await listen({ trainer });
  const controller = new AbortController();
  const first = server.trainer.update([], updateOptions, controller.signal);
  await until(() => trainer.open === 1);
  expect((await health(server)).status).toBe('training');
  await expect(server.trainer.publish(never)).rejects.toMatchObject({ code: 'trainer_busy', retryable: true });
  expect((await fetch(`${server.url}/publish`, json({}))).status).toBe(409);
  controller.abort(new Error('enough'));
  await expect(first).rejects.toThrow('enough');
});

test('closing answers every call in flight with engine_gone', async () => {
  const engine = new EndlessEngine();
  await using server = await listen({ engine });
  const call = server.engine.generate([1], endless, never).catch((reason) => reason);
  await until(() => engine.open === 1);
  await server.close();
  expect(await call).toBeInstanceOf(InfrastructureError);
  expect(await call).toMatchObject({ code: 'engine_gone', retryable: true });
});

test('a programming error is server_failed, logged with its stack, and the server goes on', async () => {
  const lines: string[] = [];
  setLogSink((line) => lines.push(line));
  await using server = await listen({ trainer: new BrokenTrainer() });
  const call = server.trainer.update([], updateOptions, never);
  await expect(call).rejects.toMatchObject({ code: 'server_failed', retryable: false });
  setLogSink();
  expect(lines).toEqual([expect.stringMatching(/ error unexpected_error .*TypeError: no such thing.*at /)]);
  expect(await server.trainer.publish(never)).toBe(3);
});

test('many clients are served at once', async () => {
  await using server = await listen();
  const clients = Array.from({ length: 8 }, () => new HttpTrainer(server.url, { timeoutMs: 5000 }));
  const fates = await Promise.allSettled(
    clients.map((client) => client.update([trainSequence(4)], updateOptions, never)),
  );
  for (const client of clients) await client[Symbol.asyncDispose]();
  const served = fates.filter(({ status }) => status === 'fulfilled').length;
  expect(served).toBeGreaterThan(0);
  for (const fate of fates) if (fate.status === 'rejected') expect(fate.reason.code).toBe('trainer_busy');
});

class EndlessTrainer implements Trainer {
  open = 0;

  async update(_sequences: unknown, _options: unknown, signal: AbortSignal): Promise<never> {
    this.open++;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    this.open--;
    throw signal.reason;
  }

  async infer(): Promise<InferredColumns> {
    return {};
  }

  async publish(): Promise<number> {
    return 3;
  }

  async save(): Promise<void> {}

  async load(): Promise<void> {}
}

class BrokenTrainer extends EndlessTrainer {
  override async update(): Promise<never> {
    throw new TypeError('no such thing');
  }
}

async function health(server: ListeningPolicy): Promise<{ status: string; version: number; backend: string }> {
  return (await fetch(`${server.url}/health`)).json();
}

function json(body: object): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
