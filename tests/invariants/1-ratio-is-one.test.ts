import { describe, expect, it } from 'vitest';
import { Batch } from '../../core/batch.js';
import type { Policy } from '../../core/model/policy.js';
import { useBackend } from '../../core/tensor/backend.js';
import { headOutput } from '../../core/training/forward.js';
import type { Generation, TrainSequence } from '../../core/types.js';
import { read, testBackends, withBackends } from '../helpers/gradient.js';
import { availableIsas, nativeAddon, onEverySetting, useIsa } from '../helpers/native-addon.js';
import {
  generateAll,
  largestDifference,
  leakedTensors,
  never,
  openTinyPolicy,
  sampleEpisodes,
  type TinyPolicy,
  tinySampling,
  tinyUpdate,
  tokensOf,
} from '../helpers/tiny-policy.js';
import { toleranceOn } from '../helpers/tolerance.js';

withBackends((backend) => {
  const tolerance = toleranceOn(backend, backend === 'cpu' ? 1e-5 : 2e-5);

  it.each([1, 0.7, 0])('the trainer finds the log-probs of the sampler at temperature %d', async (temperature) => {
    using tiny = openTinyPolicy();
    const sequences = await sampleEpisodes(tiny.sampler, 5, temperature);
    const metrics = await tiny.trainer.update(sequences, { ...tinyUpdate, lr: 1e-9, temperature }, never);
    expect(metrics['training/rollout_logprobs_diff_max']).toBeLessThanOrEqual(tolerance);
    expect(Math.abs(metrics['actor/ppo_kl']!)).toBeLessThanOrEqual(tolerance);
    expect(metrics).toMatchObject({ 'actor/pg_clipfrac': 0, 'actor/pg_clipfrac_lower': 0 });
  });

  it.each([1, 0])(
    'episodes whose first prompt is read in pieces agree as well, at temperature %d',
    async (temperature) => {
      using tiny = openTinyPolicy(1, { maxPositionEmbeddings: 2048 });
      const prompts = [3, 600, 64].map((length, i) => ({
        tokens: tokensOf(length, 'long', i),
        sampling: { ...tinySampling, temperature, maxTokens: 5 + i },
      }));
      const generations = await generateAll(tiny.sampler, prompts);
      const sequences = prompts.map(({ tokens }, i) => continued(tokens, generations[i]!));
      const metrics = await tiny.trainer.update(sequences, { ...tinyUpdate, lr: 1e-9, temperature }, never);
      expect(metrics['training/rollout_logprobs_diff_max']).toBeLessThanOrEqual(tolerance);
    },
  );

  it.each([1, 0.7, 0])(
    'so they do in whatever groups the sequences are packed, at temperature %d',
    async (temperature) => {
      using tiny = openWideVocabulary();
      const sequences = await mixedSequences(tiny, temperature);
      const sampled = sequences.map(sampledLogprobs);
      for (const group of groupings(sequences.length)) {
        const trained = trainedLogprobs(
          tiny.policy,
          group.map((s) => sequences[s]!),
          temperature,
        );
        expect(
          largestDifference(
            trained,
            group.flatMap((s) => sampled[s]!),
          ),
        ).toBeLessThanOrEqual(tolerance);
      }
    },
  );

  it('holds after the weights have moved, for what is sampled from the new ones', async () => {
    using tiny = openTinyPolicy();
    await tiny.trainer.update(await sampleEpisodes(tiny.sampler, 3), { ...tinyUpdate, lr: 0.05 }, never);
    const metrics = await tiny.trainer.update(await sampleEpisodes(tiny.sampler, 3), tinyUpdate, never);
    expect(metrics['training/rollout_logprobs_diff_max']).toBeLessThanOrEqual(tolerance);
  });

  it('stale log-probs show', async () => {
    using tiny = openTinyPolicy();
    const sequences = await sampleEpisodes(tiny.sampler, 3);
    await tiny.trainer.update(sequences, { ...tinyUpdate, lr: 0.05 }, never);
    const metrics = await tiny.trainer.update(sequences, tinyUpdate, never);
    expect(metrics['training/rollout_logprobs_diff_max']).toBeGreaterThan(0.01);
  });

  it('sampling and updating leave no tensor behind', async () => {
    const leaked = await leakedTensors(async () => {
      using tiny = openTinyPolicy();
      await tiny.trainer.update(await sampleEpisodes(tiny.sampler, 3), tinyUpdate, never);
    });
    expect(leaked).toBe(0);
  });
});

describe.runIf(testBackends.includes('native'))('on native', () => {
  it('sampling and training give one and the same log-probs on every instruction set, with 1 and with 2 threads', async () => {
    await useBackend('native');
    const addon = await nativeAddon();
    using tiny = openWideVocabulary();
    const sequences = await mixedSequences(tiny, 0.7);
    const sampled = sequences.flatMap(sampledLogprobs);
    expect(await onEverySetting(() => trainedLogprobs(tiny.policy, sequences, 0.7))).toEqual(sampled);
    for (const isa of availableIsas(addon)) {
      using _isa = await useIsa(isa);
      for (const threads of [1, 2]) {
        addon.setThreads(threads);
        const again = await mixedSequences(tiny, 0.7);
        expect(again, `sampled on ${isa}, ${threads} threads`).toEqual(sequences);
      }
    }
  });
});

/** A policy whose head has more than one block of its vocabulary. */
function openWideVocabulary(): TinyPolicy {
  return openTinyPolicy(1, { hiddenSize: 80, headDim: 20, maxPositionEmbeddings: 1024 }, 2500);
}

/** Episodes of two turns, and prompts on both sides of a page's end, one of which is read in pieces; lengths differ. */
async function mixedSequences({ sampler }: TinyPolicy, temperature: number): Promise<TrainSequence[]> {
  const prompts = [600, 1, 64, 63].map((length, i) => ({
    tokens: tokensOf(length, 'mixed', i),
    sampling: { ...tinySampling, temperature, maxTokens: 3 + i, seed: i },
  }));
  const generations = await generateAll(sampler, prompts, [0, 2, 1, 0]);
  const single = prompts.map(({ tokens }, i) => continued(tokens, generations[i]!));
  return [...single, ...(await sampleEpisodes(sampler, 3, temperature))];
}

/** Ways to pack so many sequences: alone, together, the other way round, in pairs. */
function groupings(count: number): number[][] {
  const all = Array.from({ length: count }, (_, s) => s);
  const pairs = all.slice(1).map((s) => [s, s - 1]);
  return [...all.map((s) => [s]), all, all.toReversed(), ...pairs];
}

function sampledLogprobs({ mask, logprobs }: TrainSequence): number[] {
  return logprobs.filter((_, t) => mask[t] === 1);
}

/** What training makes of the sampled tokens when the sequences are one batch. */
function trainedLogprobs(policy: Policy, sequences: readonly TrainSequence[], temperature: number): number[] {
  using batch = new Batch(sequences.map((sequence) => ({ sequence, weight: 1 })));
  return read(() => headOutput(policy, batch, temperature).logProbs);
}

/** A prompt and what was sampled after it, as the trainer gets them. */
function continued(prompt: readonly number[], { tokens, logprobs }: Generation): TrainSequence {
  const mask = [...prompt.map(() => 0 as const), ...tokens.map(() => 1 as const)];
  const zeros = prompt.map(() => 0);
  return { tokens: [...prompt, ...tokens], mask, logprobs: [...zeros, ...logprobs], advantages: mask };
}
