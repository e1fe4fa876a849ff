import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { loadRewardModel } from '../../../core/model/policy-files.js';
import { FrozenRewardModel } from '../../../core/model/trained-model.js';
import { rewardModelTrainingConfig, trainRewardModel } from '../../../core/reward-models/train-reward-model.js';
import { PolicyTrainer } from '../../../core/trainer.js';
import type { Metrics } from '../../../core/types.js';
import { comparisons, rewardModelUpdate, scoredSequence, scoresOf } from '../../helpers/comparisons.js';
import { withBackends } from '../../helpers/gradient.js';
import { readTensors, writeTensors } from '../../helpers/safetensors-files.js';
import {
  largestDifference,
  never,
  openTinyPolicy,
  temporaryDirectory,
  tokensOf,
  weightValues,
} from '../../helpers/tiny-policy.js';

withBackends(() => {
  describe('an update of the reward model', () => {
    it('begins at the loss of equal scores and lowers it', async () => {
      using tiny = openTinyPolicy();
      const losses: number[] = [];
      for (let step = 0; step < 6; step++) {
        losses.push((await tiny.trainer.update(comparisons(2), { ...rewardModelUpdate, lr: 0.01 }, never))['rm/loss']!);
      }
      expect(losses[0]).toBeCloseTo(Math.log(2), 6);
      expect(losses).toEqual([...losses].sort((a, b) => b - a));
      expect(losses.at(-1)).toBeLessThan(0.2);
    });

    it('does not depend on how a mini-batch is cut', async () => {
      const results: { metrics: Metrics; after: readonly number[] }[] = [];
      for (const ppoMaxTokenLenPerGpu of [1, 20, 1000]) {
        using tiny = openTinyPolicy();
        await tiny.trainer.update(comparisons(3), { ...rewardModelUpdate, ppoMaxTokenLenPerGpu: 1000 }, never);
        const metrics = await tiny.trainer.update(
          comparisons(3),
          { ...rewardModelUpdate, ppoMaxTokenLenPerGpu },
          never,
        );
        results.push({ metrics, after: await scoresOf(tiny.trainer, comparisons(3)) });
      }
      for (const { metrics, after } of results.slice(1)) {
        expect(largestDifference(Object.values(metrics), Object.values(results[0]!.metrics))).toBeLessThan(1e-4);
        expect(largestDifference(after, results[0]!.after)).toBeLessThan(1e-4);
      }
    });

    it('keeps a pair in one mini-batch and leaves the policy as it is', async () => {
      using tiny = openTinyPolicy();
      const before = await weightValues(tiny.policy);
      const metrics = await tiny.trainer.update(comparisons(3), { ...rewardModelUpdate, ppoMiniBatchSize: 1 }, never);
      expect(metrics).toMatchObject({ 'rm/skipped_steps': 0, 'rm/lr': 1e-3 });
      expect(metrics['rm/loss']).toBeGreaterThan(0);
      expect(await weightValues(tiny.policy)).toEqual(before);
    });

    // Central difference along the gradient; float32 sums leave a few parts in a thousand.
    it('goes down the gradient: it is the slope of the loss', async () => {
      using tiny = openTinyPolicy();
      await using directory = await temporaryDirectory();
      const still = { ...rewardModelUpdate, lr: 0, betas: [0, 0.9] as const, gradClip: 1e9 };
      await tiny.trainer.update(comparisons(2), { ...rewardModelUpdate, lr: 0.005 }, never);
      const norm = (await tiny.trainer.update(comparisons(2), still, never))['rm/grad_norm']!;
      await tiny.trainer.save(directory.path, never);
      const [weightsFile, momentsFile] = ['reward_model', 'reward_model_optimizer'].map((name) =>
        join(directory.path, `${name}.safetensors`),
      );
      const weights = await readTensors(weightsFile!);
      const moments = await readTensors(momentsFile!);
      const distance = 0.002;
      const lossAt = async (steps: number): Promise<number> => {
        const moved = [...weights].map(([name, { shape, values }]) => {
          const gradient = moments.get(`first.${name}`)!.values;
          const step = (steps * distance) / norm;
          return [name, { shape, values: values.map((value, i) => value + step * gradient[i]!) }] as const;
        });
        await writeTensors(weightsFile!, new Map(moved));
        await tiny.trainer.load(directory.path, never);
        return (await tiny.trainer.update(comparisons(2), still, never))['rm/loss']!;
      };
      const slope = ((await lossAt(1)) - (await lossAt(-1))) / (2 * distance);
      expect(norm).toBeGreaterThan(0.05);
      expect(slope / norm).toBeCloseTo(1, 2);
    });

    it('with nothing to compare moves nothing', async () => {
      using tiny = openTinyPolicy();
      await tiny.trainer.update(comparisons(2), rewardModelUpdate, never);
      const before = await scoresOf(tiny.trainer, comparisons(2));
      const equal = comparisons(2).map((one) => ({ ...one, outcome: 1 }));
      for (const nothing of [equal, []]) {
        expect(Object.values(await tiny.trainer.update(nothing, rewardModelUpdate, never)).every(Number.isFinite)).toBe(
          true,
        );
      }
      expect(await scoresOf(tiny.trainer, comparisons(2))).toEqual(before);
    });
  });

  /** What is chosen ends with token 1, what is rejected with token 2. */
  function toy(key: string, count: number) {
    return Array.from({ length: count }, (_, i) => {
      const prompt = tokensOf(3 + (i % 4), key, i);
      return { chosen: [...prompt, 1], rejected: [...prompt, 2] };
    });
  }

  it('training learns to rank what it has not seen, and what it saves gives the same scores, frozen', async () => {
    using tiny = openTinyPolicy();
    const config = rewardModelTrainingConfig.parse({ steps: 20, batchSize: 8, optimizer: { lr: 0.01 } });
    const seen: Metrics[] = [];
    const onStep = (_: number, metrics: Metrics): void => void seen.push(metrics);
    await trainRewardModel(toy('train', 16), { config, trainer: tiny.trainer, seed: 1, onStep }, never);
    const unseen = toy('test', 8).flatMap(({ chosen, rejected }) => [scoredSequence(chosen), scoredSequence(rejected)]);
    const judged = await scoresOf(tiny.trainer, unseen);
    expect(seen.at(-1)!['rm/loss']!).toBeLessThan(seen[0]!['rm/loss']! / 2);
    for (let i = 0; i < judged.length; i += 2) expect(judged[i]).toBeGreaterThan(judged[i + 1]!);

    await using directory = await temporaryDirectory();
    await tiny.trainer.save(directory.path, never);
    using rewardModel = new FrozenRewardModel(tiny.policy);
    await loadRewardModel(directory.path, rewardModel, never);
    using trainer = new PolicyTrainer(tiny.policy, { criticTrunk: 'own', rewardModel });
    expect(await scoresOf(trainer, unseen)).toEqual(judged);
    await expect(trainer.update(comparisons(1), rewardModelUpdate, never)).rejects.toThrow(
      'the reward model is frozen',
    );
  });

  it('a directory without a value head is refused and changes nothing', async () => {
    using tiny = openTinyPolicy();
    using rewardModel = new FrozenRewardModel(tiny.policy);
    await using directory = await temporaryDirectory();
    await expect(loadRewardModel(directory.path, rewardModel, never)).rejects.toThrow('holds no reward model');
    await tiny.trainer.save(directory.path, never);
    const refused = loadRewardModel(directory.path, rewardModel, never);
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow('model.safetensors has no tensor score.weight');
    await expect(loadRewardModel('/nowhere', rewardModel, never)).rejects.toThrow('cannot read /nowhere');
  });

  it('a checkpoint carries a reward model that is being trained', async () => {
    using first = openTinyPolicy(1);
    using second = openTinyPolicy(2);
    await using directory = await temporaryDirectory();
    await first.trainer.update(comparisons(2), rewardModelUpdate, never);
    await first.trainer.save(directory.path, never);
    await second.trainer.load(directory.path, never);
    const metrics = [first, second].map(({ trainer }) => trainer.update(comparisons(2), rewardModelUpdate, never));
    const [one, other] = await Promise.all(metrics);
    expect(other).toEqual(one);
  });
});
