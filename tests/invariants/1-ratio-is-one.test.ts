import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../core/tensor/backend.js';
import { leakedTensors, never, openTinyPolicy, sampleEpisodes, tinyUpdate } from '../helpers/tiny-policy.js';

describe.each([
  { backend: 'cpu', tolerance: 1e-5 },
  { backend: 'wasm', tolerance: 2e-5 },
] as const)('before the first update, on $backend', ({ backend, tolerance }) => {
  beforeAll(async () => {
    await useBackend(backend);
  });

  it.each([1, 0.7, 0])('the trainer finds the log-probs of the sampler at temperature %d', async (temperature) => {
    using tiny = openTinyPolicy();
    const sequences = await sampleEpisodes(tiny.sampler, 5, temperature);
    const metrics = await tiny.trainer.update(sequences, { ...tinyUpdate, lr: 1e-9, temperature }, never);
    expect(metrics['training/rollout_logprobs_diff_max']).toBeLessThan(tolerance);
    expect(Math.abs(metrics['actor/ppo_kl']!)).toBeLessThan(tolerance);
    expect(metrics).toMatchObject({ 'actor/pg_clipfrac': 0, 'actor/pg_clipfrac_lower': 0 });
  });

  it('holds after the weights have moved, for what is sampled from the new ones', async () => {
    using tiny = openTinyPolicy();
    await tiny.trainer.update(await sampleEpisodes(tiny.sampler, 3), { ...tinyUpdate, lr: 0.05 }, never);
    const metrics = await tiny.trainer.update(await sampleEpisodes(tiny.sampler, 3), tinyUpdate, never);
    expect(metrics['training/rollout_logprobs_diff_max']).toBeLessThan(tolerance);
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
