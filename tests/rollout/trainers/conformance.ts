import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import type { InferenceEngine, Trainer } from '../../../core/types.js';
import { never, sampling, trainSequence, updateOptions } from '../../helpers/policy-server.js';

export interface OpenTrainer extends AsyncDisposable {
  readonly trainer: Trainer;
  /** Samples from the weights that the trainer publishes. */
  readonly engine: InferenceEngine;
}

/**
 * What every trainer promises; each `open` starts from the same weights. A trainer that shares its weights with the engine
 * changes what is sampled at once, others when they publish.
 */
export function trainerConformance(
  name: string,
  open: () => Promise<OpenTrainer>,
  { sharesWeights = false }: { readonly sharesWeights?: boolean } = {},
): void {
  const batch = [trainSequence(8), trainSequence(5, -1)];

  describe(`trainer ${name}`, () => {
    test('an update returns finite numbers', async () => {
      await using policy = await open();
      const metrics = await policy.trainer.update(batch, updateOptions, never);
      expect(Object.keys(metrics)).toContain('actor/pg_loss');
      expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
    });

    test('inferring gives what was asked for, at sampled tokens, and changes nothing', async () => {
      await using first = await open();
      await using second = await open();
      const options = {
        columns: ['logprobs', 'values', 'refLogprobs'] as const,
        temperature: 1,
        ppoMaxTokenLenPerGpu: 6,
      };
      const inferred = await first.trainer.infer(batch, options, never);
      expect(Object.keys(inferred).sort()).toEqual(['logprobs', 'refLogprobs', 'values']);
      for (const [s, { mask }] of batch.entries()) {
        const row = inferred.logprobs?.[s] ?? [];
        expect(row.map((logprob) => (logprob < 0 ? 1 : 0))).toEqual(mask);
      }
      const alone = await first.trainer.infer(batch.slice(1), options, never);
      expect(alone.logprobs?.[0]).toEqual(inferred.logprobs?.[1]);
      expect(await first.trainer.update(batch, updateOptions, never)).toEqual(
        await second.trainer.update(batch, updateOptions, never),
      );
    });

    test('equal weights and batches give equal metrics', async () => {
      await using first = await open();
      await using second = await open();
      const metrics = await first.trainer.update(batch, updateOptions, never);
      expect(await second.trainer.update(batch, updateOptions, never)).toEqual(metrics);
    });

    test.skipIf(sharesWeights)('sampling does not see an update before it is published', async () => {
      await using policy = await open();
      const before = await policy.engine.generate([1], sampling, never);
      await policy.trainer.update(batch, updateOptions, never);
      expect(await policy.engine.generate([1], sampling, never)).toEqual(before);
    });

    test('sampling sees an update at the latest when it is published', async () => {
      await using policy = await open();
      const before = await policy.engine.generate([1], sampling, never);
      await policy.trainer.update(batch, updateOptions, never);
      const version = await policy.trainer.publish(never);
      const after = await policy.engine.generate([1], sampling, never);
      expect(after.versions).toEqual(after.tokens.map(() => version));
      expect(after.logprobs).not.toEqual(before.logprobs);
    });

    test('the published version never falls', async () => {
      await using policy = await open();
      const first = await policy.trainer.publish(never);
      await policy.trainer.update(batch, updateOptions, never);
      const second = await policy.trainer.publish(never);
      expect(second).toBeGreaterThan(first);
      expect(await policy.trainer.publish(never)).toBeGreaterThanOrEqual(second);
    });

    test('a trainer that loads what another saved goes on as that one does', async () => {
      await using saved = await open();
      await using loaded = await open();
      await using directory = await temporaryDirectory();
      await saved.trainer.update(batch, updateOptions, never);
      await saved.trainer.save(directory.path, never);
      await loaded.trainer.load(directory.path, never);
      expect(await loaded.trainer.publish(never)).toBe(await saved.trainer.publish(never));
      const metrics = await saved.trainer.update(batch, updateOptions, never);
      expect(await loaded.trainer.update(batch, updateOptions, never)).toEqual(metrics);
    });

    test('a directory without a checkpoint is a ConfigError, and so is no directory', async () => {
      await using policy = await open();
      await using directory = await temporaryDirectory();
      await expect(policy.trainer.load(directory.path, never)).rejects.toBeInstanceOf(ConfigError);
      await expect(policy.trainer.save(join(directory.path, 'none'), never)).rejects.toBeInstanceOf(ConfigError);
    });

    test('every call with an aborted signal rejects with its reason', async () => {
      await using policy = await open();
      await using directory = await temporaryDirectory();
      const reason = new Error('enough');
      const aborted = AbortSignal.abort(reason);
      await expect(policy.trainer.update(batch, updateOptions, aborted)).rejects.toBe(reason);
      await expect(policy.trainer.publish(aborted)).rejects.toBe(reason);
      await expect(policy.trainer.save(directory.path, aborted)).rejects.toBe(reason);
      await expect(policy.trainer.load(directory.path, aborted)).rejects.toBe(reason);
    });
  });
}

async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'verlet-trainer-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
