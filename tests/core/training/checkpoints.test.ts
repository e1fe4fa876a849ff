import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import {
  type ActorUpdateOptions,
  type CriticUpdateOptions,
  inferColumns,
  type ProcessRewardUpdateOptions,
  type TrainSequence,
} from '../../../core/types.js';
import { withBackends } from '../../helpers/gradient.js';
import { readTensors, writeTensors } from '../../helpers/safetensors-files.js';
import { savedModel } from '../../helpers/saved-trainer.js';
import {
  never,
  openTinyPolicy,
  sampleEpisodes,
  type TinyPolicy,
  temporaryDirectory,
  tinyUpdate,
} from '../../helpers/tiny-policy.js';

const { policyLoss: _, entropyCoeff: __, klLossCoef: ___, klLossType: ____, ...passes } = tinyUpdate;
const actor: ActorUpdateOptions = { ...tinyUpdate, klLossCoef: 0.1 };
const critic: CriticUpdateOptions = { ...passes, model: 'critic', lr: 0.01 };
const processReward: ProcessRewardUpdateOptions = { ...passes, model: 'processReward', beta: 0.5, lr: 0.01 };
const options = { columns: inferColumns, temperature: 1, ppoMaxTokenLenPerGpu: 128 };

/** One update of every model. */
async function updateAll({ trainer }: TinyPolicy, sampled: readonly TrainSequence[]) {
  const { values = [], refLogprobs = [] } = await trainer.infer(sampled, options, never);
  const sequences = sampled.map((sequence, i) => ({
    ...sequence,
    values: values[i] ?? [],
    returns: sequence.mask.map((bit, t) => bit * Math.sin(t)),
    refLogprobs: refLogprobs[i] ?? [],
    outcome: i % 2,
  }));
  return [
    await trainer.update(sequences, critic, never),
    await trainer.update(sequences, processReward, never),
    await trainer.update(sequences, actor, never),
  ];
}

async function allOf({ trainer }: TinyPolicy, sequences: readonly TrainSequence[]) {
  const models = ['', 'critic', 'process_reward'];
  return {
    models: await Promise.all(models.map((name) => savedModel(trainer, name))),
    numbers: await trainer.infer(sequences, options, never),
    version: await trainer.publish(never),
  };
}

const files = [
  'model',
  'optimizer',
  'critic',
  'critic_optimizer',
  'reference',
  'process_reward',
  'process_reward_optimizer',
];

withBackends(() => {
  describe('a checkpoint of all models', () => {
    it('goes on in a fresh trainer to the bit', async () => {
      using tiny = openTinyPolicy();
      using fresh = openTinyPolicy(2);
      const sequences = await sampleEpisodes(tiny.sampler, 2);
      await using directory = await temporaryDirectory();
      for (let step = 0; step < 2; step++) await updateAll(tiny, sequences);
      await tiny.trainer.save(directory.path, never);
      await fresh.trainer.load(directory.path, never);
      expect(await allOf(fresh, sequences)).toEqual(await allOf(tiny, sequences));
      expect(await updateAll(fresh, sequences)).toEqual(await updateAll(tiny, sequences));
      expect(await allOf(fresh, sequences)).toEqual(await allOf(tiny, sequences));
    });

    it('of the policy alone leaves the others to be forked from it', async () => {
      using tiny = openTinyPolicy();
      using other = openTinyPolicy(2);
      const sequences = await sampleEpisodes(tiny.sampler, 2);
      await using directory = await temporaryDirectory();
      await tiny.trainer.save(directory.path, never);
      await updateAll(other, sequences);
      await other.trainer.load(directory.path, never);
      const { logprobs, refLogprobs, processLogprobs } = await other.trainer.infer(sequences, options, never);
      expect([refLogprobs, processLogprobs]).toEqual([logprobs, logprobs]);
    });
  });
});

describe('a checkpoint that does not fit changes nothing', () => {
  async function expectRefused(spoil: (directory: string) => Promise<void>, message: RegExp | string): Promise<void> {
    using tiny = openTinyPolicy();
    using other = openTinyPolicy(2);
    const sequences = await sampleEpisodes(tiny.sampler, 2);
    await using directory = await temporaryDirectory();
    await updateAll(tiny, sequences);
    await updateAll(other, sequences);
    await tiny.trainer.save(directory.path, never);
    await spoil(directory.path);
    const before = await allOf(other, sequences);
    const load = other.trainer.load(directory.path, never);
    await expect(load).rejects.toThrow(ConfigError);
    await expect(load).rejects.toThrow(message);
    expect(await allOf(other, sequences)).toEqual(before);
  }

  it.each(files)('without %s.safetensors', async (name) => {
    await expectRefused((directory) => rm(join(directory, `${name}.safetensors`)), 'the checkpoint is not whole');
  });

  it('without trainer.json, or with another in its place', async () => {
    await expectRefused((directory) => rm(join(directory, 'trainer.json')), 'the checkpoint is not whole');
    await expectRefused((directory) => writeFile(join(directory, 'trainer.json'), '{"version":1}'), 'corrupt');
  });

  it.each(['critic', 'reference', 'process_reward_optimizer'])('with one tensor more in %s', async (name) => {
    await expectRefused(async (directory) => {
      const path = join(directory, `${name}.safetensors`);
      const tensors = await readTensors(path);
      await writeTensors(path, tensors.set('bias', { shape: [2], values: Float32Array.of(1, 2) }));
    }, 'has a tensor bias');
  });

  it('with a tensor too few', async () => {
    await expectRefused(async (directory) => {
      await copyFile(join(directory, 'reference.safetensors'), join(directory, 'critic.safetensors'));
    }, 'has no tensor score.weight');
  });
});
