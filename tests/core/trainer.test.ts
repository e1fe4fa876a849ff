import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import type { Policy } from '../../core/model/policy.js';
import { PolicyTrainer } from '../../core/trainer.js';
import type { ActorUpdateOptions, TrainSequence } from '../../core/types.js';
import { withBackends } from '../helpers/gradient.js';
import { readTensors } from '../helpers/safetensors-files.js';
import {
  leakedTensors,
  never,
  openTinyPolicy,
  sampleEpisodes,
  type TinyPolicy,
  temporaryDirectory,
  tinyUpdate,
  tokensOf,
  weightValues,
} from '../helpers/tiny-policy.js';

const sft: ActorUpdateOptions = { ...tinyUpdate, policyLoss: { name: 'sft' }, lr: 0, gradClip: 1e9 };

function demonstration(length: number): TrainSequence {
  const mask = Array.from({ length }, (_, t) => (t > 2 ? 1 : 0));
  return { tokens: tokensOf(length, 'sequence'), mask, logprobs: mask.map(() => 0), advantages: mask };
}

/** The gradient of the first update, read off the first moments (a tenth of it). */
async function gradientOf({ trainer }: TinyPolicy): Promise<Map<string, Float32Array>> {
  await using directory = await temporaryDirectory();
  await trainer.save(directory.path, never);
  const stored = await readTensors(join(directory.path, 'optimizer.safetensors'));
  const moments = [...stored].filter(([name]) => name.startsWith('first.'));
  return new Map(moments.map(([name, { values }]) => [name.slice('first.'.length), values.map((value) => value * 10)]));
}

function move({ weights }: Policy, direction: ReadonlyMap<string, Float32Array>, distance: number): void {
  for (const [name, values] of direction) {
    const variable = weights.get(name);
    tf.tidy(() => variable.assign(tf.add(variable, tf.mul(tf.tensor(values, variable.shape), distance))));
  }
}

withBackends(() => {
  describe('the gradient of the whole model', () => {
    // Central difference along the gradient; float32 sums leave a few parts in a thousand.
    it('is the slope of the loss', async () => {
      using tiny = openTinyPolicy();
      const batch = [demonstration(12), demonstration(30)];
      const norm = (await tiny.trainer.update(batch, sft, never))['actor/grad_norm']!;
      const gradient = await gradientOf(tiny);
      const distance = 0.002;
      const lossAt = async (steps: number): Promise<number> => {
        move(tiny.policy, gradient, (steps * distance) / norm);
        return (await tiny.trainer.update(batch, sft, never))['actor/pg_loss']!;
      };
      const slope = ((await lossAt(1)) - (await lossAt(-2))) / (2 * distance);
      expect(norm).toBeGreaterThan(0.1);
      expect(slope / norm).toBeCloseTo(1, 2);
    });

    it('reaches every weight', async () => {
      using tiny = openTinyPolicy();
      await tiny.trainer.update([demonstration(30)], sft, never);
      const gradient = await gradientOf(tiny);
      expect([...gradient.keys()]).toEqual(tiny.policy.weights.names);
      for (const [name, values] of gradient) expect([name, values.some((value) => value !== 0)]).toEqual([name, true]);
    });
  });

  describe('an update', () => {
    it('does not look at advantages and log-probs of tokens that were not sampled', async () => {
      const results = [];
      for (const noise of [0, 1e6]) {
        using tiny = openTinyPolicy();
        const sequences = (await sampleEpisodes(tiny.sampler, 2)).map((sequence) => ({
          ...sequence,
          logprobs: sequence.logprobs.map((logprob, t) => (sequence.mask[t] === 1 ? logprob : -noise)),
          advantages: sequence.advantages.map((advantage, t) => (sequence.mask[t] === 1 ? advantage : noise)),
        }));
        const metrics = await tiny.trainer.update(sequences, tinyUpdate, never);
        results.push({ metrics, weights: await weightValues(tiny.policy) });
      }
      expect(results[1]).toEqual(results[0]);
    });

    it('reports the norm before clipping and steps with the clipped gradient', async () => {
      using tiny = openTinyPolicy();
      const metrics = await tiny.trainer.update([demonstration(30)], { ...sft, gradClip: 0.01 }, never);
      const squares = [...(await gradientOf(tiny)).values()].flatMap((values) =>
        [...values].map((value) => value ** 2),
      );
      expect(metrics['actor/grad_norm']).toBeGreaterThan(0.1);
      expect(Math.sqrt(squares.reduce((a, b) => a + b))).toBeCloseTo(0.01, 5);
    });

    it('makes a step a mini-batch and epoch, and the version grows by one', async () => {
      using tiny = openTinyPolicy();
      const batch = [10, 11, 12, 13, 14].map(demonstration);
      const options = { ...sft, ppoMiniBatchSize: 2, ppoEpochs: 3 };
      await tiny.trainer.update(batch, options, never);
      await using directory = await temporaryDirectory();
      await tiny.trainer.save(directory.path, never);
      const state = JSON.parse(await readFile(join(directory.path, 'trainer.json'), 'utf8'));
      expect(state).toEqual({ version: 1, optimizerSteps: { actor: 9 } });
      expect(await tiny.trainer.publish(never)).toBe(1);
    });

    it.each([1e38, -1e38])(
      'whose gradient overflows at the advantage %d is skipped as if it had not been',
      async (bad) => {
        using tiny = openTinyPolicy();
        using twin = openTinyPolicy();
        const good = await sampleEpisodes(tiny.sampler, 2);
        const broken = good.map((sequence) => ({ ...sequence, advantages: sequence.mask.map((bit) => bit * bad) }));
        const metrics = await tiny.trainer.update(broken, tinyUpdate, never);
        expect(metrics['actor/grad_norm']).not.toSatisfy(Number.isFinite);
        for (const { trainer } of [tiny, twin]) await trainer.update(good, tinyUpdate, never);
        expect(await weightValues(tiny.policy)).toEqual(await weightValues(twin.policy));
      },
    );

    it('with nothing to learn from moves nothing, though there is momentum', async () => {
      using tiny = openTinyPolicy();
      const good = await sampleEpisodes(tiny.sampler, 2);
      await tiny.trainer.update(good, tinyUpdate, never);
      const before = await weightValues(tiny.policy);
      const indifferent = good.map((sequence) => ({ ...sequence, advantages: sequence.mask.map(() => 0) }));
      for (const sequences of [indifferent, []]) {
        const metrics = await tiny.trainer.update(sequences, tinyUpdate, never);
        expect(metrics).toMatchObject(sequences.length === 0 ? { 'actor/lr': 1e-3 } : { 'actor/grad_norm': 0 });
        expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
      }
      expect(await weightValues(tiny.policy)).toEqual(before);
    });
  });

  describe('gradient checkpointing', () => {
    it('changes no bit of the gradient and leaves no tensor', async () => {
      const gradients: Map<string, Float32Array>[] = [];
      const leaked = await leakedTensors(async () => {
        for (const enableGradientCheckpointing of [false, true]) {
          using tiny = openTinyPolicy(1, { enableGradientCheckpointing });
          await tiny.trainer.update([demonstration(12), demonstration(30)], sft, never);
          gradients.push(await gradientOf(tiny));
        }
      });
      expect(leaked).toBe(0);
      expect(gradients[1]).toEqual(gradients[0]);
    });
  });

  describe('a refused update', () => {
    const first = { tokens: [1, 2], mask: [1, 0] as const, logprobs: [0, 0], advantages: [1, 0] };
    it.each([
      ['an unknown loss', [demonstration(9)], { ...sft, policyLoss: { name: 'magic' } }, ConfigError],
      ['an unknown aggregation', [demonstration(9)], { ...sft, lossAggMode: 'median' }, ConfigError],
      ['lengths that differ', [{ ...demonstration(9), logprobs: [0] }], sft, /logprobs 1/],
      [
        'an advantage that is not finite',
        [{ ...demonstration(9), advantages: Array(9).fill(Number.NaN) }],
        sft,
        /not finite/,
      ],
      ['a sampled first token', [first], sft, /first token/],
    ])('with %s changes nothing and leaves no tensor', async (_, sequences, options, expected) => {
      using tiny = openTinyPolicy();
      const before = await weightValues(tiny.policy);
      const leaked = await leakedTensors(async () => {
        await expect(tiny.trainer.update(sequences, options, never)).rejects.toThrow(expected);
      });
      expect(leaked).toBe(0);
      expect(await weightValues(tiny.policy)).toEqual(before);
    });

    it('that is aborted between two forward passes throws the reason and leaves no tensor', async () => {
      using tiny = openTinyPolicy();
      const controller = new AbortController();
      const reason = new Error('enough');
      const before = await weightValues(tiny.policy);
      const leaked = await leakedTensors(async () => {
        const update = tiny.trainer.update(
          [9, 10, 11].map(demonstration),
          { ...sft, lr: 1, ppoMaxTokenLenPerGpu: 1 },
          controller.signal,
        );
        controller.abort(reason);
        await expect(update).rejects.toBe(reason);
      });
      expect(leaked).toBe(0);
      expect(await weightValues(tiny.policy)).toEqual(before);
    });
  });

  describe('learning', () => {
    it('takes a repeated pattern from chance to near certainty', async () => {
      using tiny = openTinyPolicy();
      const tokens = Array.from({ length: 24 }, (_, t) => [10, 200, 45][t % 3]!);
      const mask = tokens.map((_, t) => (t > 2 ? (1 as const) : (0 as const)));
      const batch = [{ tokens, mask, logprobs: mask.map(() => 0), advantages: mask }];
      let loss = Number.NaN;
      for (let step = 0; step < 40; step++) {
        loss = (await tiny.trainer.update(batch, { ...sft, lr: 2e-2, gradClip: 1 }, never))['actor/pg_loss']!;
        if (step === 0) expect(loss).toBeGreaterThan(3);
      }
      expect(loss).toBeLessThan(0.1);
    }, 10_000);

    it('makes what was rewarded likelier and what was punished less likely', async () => {
      using tiny = openTinyPolicy();
      using observer = new PolicyTrainer(tiny.policy); // its momentum is not the trainer's
      const sequences = await sampleEpisodes(tiny.sampler, 2);
      const likelihood = async (sequence: TrainSequence): Promise<number> => {
        const metrics = await observer.update([{ ...sequence, advantages: sequence.mask }], { ...sft, lr: 0 }, never);
        return -metrics['actor/pg_loss']!;
      };
      const before = [await likelihood(sequences[0]!), await likelihood(sequences[1]!)];
      for (let step = 0; step < 5; step++) await tiny.trainer.update(sequences, { ...tinyUpdate, lr: 3e-3 }, never);
      expect(await likelihood(sequences[0]!)).toBeGreaterThan(before[0]!);
      expect(await likelihood(sequences[1]!)).toBeLessThan(before[1]!);
    });
  });
});
