import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Policy } from '../../../core/model/policy.js';
import { PolicySampler } from '../../../core/model/sampler.js';
import { weightShapes } from '../../../core/model/weight-shapes.js';
import { PolicyTrainer } from '../../../core/trainer.js';
import type { ActorUpdateOptions, Trainer, TrainSequence, UpdateOptions } from '../../../core/types.js';
import { expectClose } from '../../helpers/expect-close.js';
import { withBackends } from '../../helpers/gradient.js';
import { sameBeside } from '../../helpers/same-numbers.js';
import { flat, savedModel } from '../../helpers/saved-trainer.js';
import {
  generateAll,
  never,
  openTinyPolicy,
  sampleEpisodes,
  type TinyPolicy,
  temporaryDirectory,
  tinyModel,
  tinySampling,
  tinyUpdate,
  tokensOf,
  vocabSize,
  weightValues,
} from '../../helpers/tiny-policy.js';
import { toleranceOn } from '../../helpers/tolerance.js';

const lora = { loraRank: 4, loraAlpha: 8 };
const large: ActorUpdateOptions = { ...tinyUpdate, lr: 0.05 };
const inferred = { temperature: 1, ppoMaxTokenLenPerGpu: 128 };

withBackends((backend) => {
  const tolerance = toleranceOn(backend, 2e-5);

  describe('a policy with adapters', () => {
    it('trains them alone: the weights stay as they are', async () => {
      using tiny = openTinyLora();
      const before = await frozenValues(tiny.policy);
      for (let step = 0; step < 2; step++) await update(tiny, large);
      expect(await frozenValues(tiny.policy)).toEqual(before);
      expect(tiny.policy.weights.names.every((name) => /\.lora_[AB]\.weight$/.test(name))).toBe(true);
      expect((await weightValues(tiny.policy)).every(Number.isFinite)).toBe(true);
    });

    it('says the base’s tokens until the first update, and others after it', async () => {
      using tiny = openTinyLora();
      using base = openTinyPolicy();
      const prompts = [{ tokens: tokensOf(20, 'fresh'), sampling: { ...tinySampling, maxTokens: 12 } }];
      expect(await generateAll(tiny.sampler, prompts)).toEqual(await generateAll(base.sampler, prompts));
      await update(tiny, large);
      expect(await generateAll(tiny.sampler, prompts)).not.toEqual(await generateAll(base.sampler, prompts));
    });

    it('finds the log-probs of the sampler before the first update and after some', async () => {
      using tiny = openTinyLora();
      for (let step = 0; step < 3; step++) {
        const metrics = await update(tiny, large);
        expect(metrics['training/rollout_logprobs_diff_max']).toBeLessThanOrEqual(tolerance);
        expect(metrics['actor/pg_clipfrac']).toBe(0);
        expect(metrics['actor/grad_norm']).toBeGreaterThan(0);
      }
    });

    it('samples a sequence alone as it does beside others, bit for bit', async () => {
      using tiny = openTinyLora();
      await update(tiny, large);
      const prompts = [1, 63, 64, 130].map((length, i) => ({
        tokens: tokensOf(length, 'alone', i),
        sampling: { ...tinySampling, maxTokens: 3 + i, seed: i },
      }));
      const together = await generateAll(tiny.sampler, prompts, [2, 0, 1, 0]);
      for (const [i, prompt] of prompts.entries()) {
        expect(together[i]).toEqual(sameBeside((await generateAll(tiny.sampler, [prompt]))[0]));
      }
    });

    it('has the same gradient in one pass as in many, with and without gradient checkpointing', async () => {
      const found: number[][] = [];
      for (const [ppoMaxTokenLenPerGpu, enableGradientCheckpointing] of [
        [1024, false],
        [1, false],
        [1024, true],
      ] as const) {
        using tiny = openTinyLora({ enableGradientCheckpointing });
        await update(tiny, { ...large, ppoMaxTokenLenPerGpu: 1024 });
        const sequences = await sampleEpisodes(tiny.sampler, 3);
        await tiny.trainer.update(
          sequences,
          { ...large, lr: 0, betas: [0, 0], gradClip: 1e9, ppoMaxTokenLenPerGpu },
          never,
        );
        found.push(flat((await savedModel(tiny.trainer)).first));
      }
      const absolute = 1e-4 * Math.max(...found[0]!.map(Math.abs));
      expect(absolute).toBeGreaterThan(1e-6);
      for (const other of found.slice(1)) expectClose(other, found[0]!, { relative: 0, absolute });
    });
  });

  describe('memory', () => {
    it('holds the weights once, and of the adapters three: themselves and two moments', async () => {
      const before = tf.memory();
      using tiny = openTinyLora();
      await update(tiny, { ...large, klLossCoef: 0.1 }, ['refLogprobs']);
      const { weights, rotaryTables } = tiny.policy;
      const trained = weights.variables.reduce((sum, { size }) => sum + 4 * size, 0);
      const tables = rotaryTables.reduce((sum, { cos, sin }) => sum + 4 * (cos.size + sin.size), 0);
      expect(tf.memory().numBytes - before.numBytes).toBe(weights.sizeBytes + 2 * trained + tables);
      const tensors = weightShapes(tiny.policy.config).size + 3 * weights.variables.length + 2 * rotaryTables.length;
      expect(tf.memory().numTensors - before.numTensors).toBe(tensors);
    });

    it('holds no second trunk for a critic, a process reward model and a reward model', async () => {
      using tiny = openTinyLora();
      const sequences = await sampleEpisodes(tiny.sampler, 2);
      const before = tf.memory().numBytes;
      const columns = ['values', 'processLogprobs', 'rewardScores', 'refLogprobs'] as const;
      await tiny.trainer.infer(sequences, { ...inferred, columns }, never);
      const trained = tiny.policy.weights.variables.reduce((sum, { size }) => sum + 4 * size, 0);
      const heads = 2 * 3 * 4 * tiny.policy.config.hiddenSize;
      expect(tf.memory().numBytes - before).toBe(3 * 3 * trained + heads);
    });
  });

  describe('the models beside it', () => {
    it('the reference is the base, however the adapters have been trained', async () => {
      using tiny = openTinyLora();
      using base = openTinyPolicy();
      const sequences = await sampleEpisodes(tiny.sampler, 3);
      const { logprobs } = await base.trainer.infer(sequences, { ...inferred, columns: ['logprobs'] }, never);
      for (let step = 0; step < 2; step++) {
        const columns = ['refLogprobs', 'logprobs'] as const;
        const now = await tiny.trainer.infer(sequences, { ...inferred, columns }, never);
        expect(now.refLogprobs).toEqual(logprobs);
        if (step > 0) expect(now.logprobs).not.toEqual(logprobs);
        await tiny.trainer.update(sequences, large, never);
      }
    });

    it('the KL loss is 0 at first and grows', async () => {
      using tiny = openTinyLora();
      const withKl = { ...large, klLossCoef: 0.1 };
      const first = await update(tiny, withKl, ['refLogprobs']);
      const second = await update(tiny, withKl, ['refLogprobs']);
      expect(first['actor/kl_loss']).toBeCloseTo(0, 6);
      expect(second['actor/kl_loss']).toBeGreaterThan(1e-4);
    });

    it.each(['own', 'shared'] as const)(
      'a critic on its %s trunk learns the returns and leaves the base alone',
      async (trunk) => {
        using tiny = openTinyLora({}, trunk);
        const before = [await frozenValues(tiny.policy), await weightValues(tiny.policy)];
        const sequences = (await sampleEpisodes(tiny.sampler, 2)).map((sequence) => ({
          ...sequence,
          returns: sequence.mask.map((bit) => bit),
          values: sequence.mask.map(() => 0),
        }));
        const { policyLoss: _, entropyCoeff: __, klLossCoef: ___, klLossType: ____, vfCoef: _____, ...passes } = large;
        const options: UpdateOptions = { ...passes, model: 'critic', cliprangeValue: 100 };
        const losses: number[] = [];
        for (let step = 0; step < 8; step++)
          losses.push((await tiny.trainer.update(sequences, options, never))['critic/vf_loss']!);
        expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
        expect([await frozenValues(tiny.policy), await weightValues(tiny.policy)]).toEqual(before);
      },
    );

    it('a process reward model learns its outcomes and leaves policy and base alone', async () => {
      using tiny = openTinyLora();
      const before = [await frozenValues(tiny.policy), await weightValues(tiny.policy)];
      const sampled = await sampleEpisodes(tiny.sampler, 4);
      const sequences = (await withReference(tiny.trainer, sampled)).map((sequence, i) => ({
        ...sequence,
        outcome: i % 2,
      }));
      const { policyLoss: _, entropyCoeff: __, klLossCoef: ___, klLossType: ____, ...passes } = large;
      const options: UpdateOptions = { ...passes, model: 'processReward', beta: 0.5 };
      const losses: number[] = [];
      for (let step = 0; step < 8; step++)
        losses.push((await tiny.trainer.update(sequences, options, never))['prm/ce_loss']!);
      expect(losses[0]).toBeCloseTo(Math.log(2), 5);
      expect(losses.at(-1)).toBeLessThan(0.6);
      expect([await frozenValues(tiny.policy), await weightValues(tiny.policy)]).toEqual(before);
    });
  });

  describe('a checkpoint', () => {
    it('resumes as if there had been no stop, with critic, reference and process reward model', async () => {
      await using directory = await temporaryDirectory();
      using tiny = openTinyLora();
      const columns = ['values', 'processLogprobs', 'refLogprobs'] as const;
      const sequences = await withReference(tiny.trainer, await sampleEpisodes(tiny.sampler, 3));
      await tiny.trainer.infer(sequences, { ...inferred, columns }, never);
      await tiny.trainer.update(sequences, large, never);
      await tiny.trainer.save(directory.path, never);
      using resumed = openTinyLora();
      await resumed.trainer.load(directory.path, never);
      for (const { trainer } of [tiny, resumed]) await trainer.update(sequences, large, never);
      expect(await weightValues(resumed.policy)).toEqual(await weightValues(tiny.policy));
      const options = { ...inferred, columns };
      expect(await resumed.trainer.infer(sequences, options, never)).toEqual(
        await tiny.trainer.infer(sequences, options, never),
      );
    });
  });

  it('computes no gradient of a frozen weight: no product as large as the head’s or the embedding’s', async () => {
    using tiny = openTinyLora();
    const sequences = await sampleEpisodes(tiny.sampler, 2);
    const shapes: (readonly number[])[] = [];
    const frozen = new Set([...weightShapes(tiny.policy.config).values()].map(String));
    const { kernels } = await profiled(() => tiny.trainer.update(sequences, large, never));
    for (const { name, outputShapes } of kernels) {
      if (/^(LinearGradWeight|EmbeddingGrad|LinearLogProbsGrad)$/.test(name)) shapes.push(...outputShapes);
    }
    expect(kernels.some(({ name }) => name === 'LinearLogProbsGrad')).toBe(true);
    // Embedding’s own gradient is of the rows that predict, [N, C].
    expect(
      shapes.filter((shape) => shape[0] === vocabSize || (shape.length === 2 && frozen.has(String(shape)))),
    ).toEqual([]);
  });
});

/** The tiny policy whose base is openTinyPolicy's. */
function openTinyLora(model: Partial<typeof tinyModel> = {}, criticTrunk: 'own' | 'shared' = 'own'): TinyPolicy {
  const policy = Policy.fresh({ ...tinyModel, ...lora, ...model }, vocabSize, 1);
  const trainer = new PolicyTrainer(policy, { criticTrunk });
  const sampler = new PolicySampler(policy);
  return {
    ...{ policy, trainer, sampler },
    [Symbol.dispose]() {
      for (const part of [sampler, trainer, policy]) part[Symbol.dispose]();
    },
  };
}

async function update(
  { trainer, sampler }: TinyPolicy,
  options: UpdateOptions,
  columns: readonly 'refLogprobs'[] = [],
) {
  const sequences = await sampleEpisodes(sampler, 3);
  return trainer.update(columns.length === 0 ? sequences : await withReference(trainer, sequences), options, never);
}

async function withReference(trainer: Trainer, sequences: readonly TrainSequence[]): Promise<TrainSequence[]> {
  const { refLogprobs = [] } = await trainer.infer(sequences, { ...inferred, columns: ['refLogprobs'] }, never);
  return sequences.map((sequence, i) => ({ ...sequence, refLogprobs: refLogprobs[i] ?? [] }));
}

async function frozenValues({ config, weights }: Policy): Promise<Float32Array[]> {
  const values: Float32Array[] = [];
  for (const name of weightShapes(config).keys()) values.push(Float32Array.from(await weights.get(name).data()));
  return values;
}

/** What kernels the work runs; tf.profile wants a function that returns tensors. */
async function profiled(work: () => Promise<unknown>) {
  return tf.profile(async () => {
    await work();
    return [];
  });
}
