import { expect, it } from 'vitest';
import type { Generation, TrainSequence } from '../../core/types.js';
import { withBackends } from '../helpers/gradient.js';
import {
  generateAll,
  leakedTensors,
  never,
  openTinyPolicy,
  sampleEpisodes,
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

/** A prompt and what was sampled after it, as the trainer gets them. */
function continued(prompt: readonly number[], { tokens, logprobs }: Generation): TrainSequence {
  const mask = [...prompt.map(() => 0 as const), ...tokens.map(() => 1 as const)];
  const zeros = prompt.map(() => 0);
  return { tokens: [...prompt, ...tokens], mask, logprobs: [...zeros, ...logprobs], advantages: mask };
}
