import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../core/tensor/backend.js';
import type { Outcome, TokenSequence, TrajectoryGroup } from '../../core/types.js';
import { detectedBackend } from '../helpers/backend.js';
import { experienceOf } from '../helpers/experience.js';
import {
  largestDifference,
  never,
  openTinyPolicy,
  sampleEpisodes,
  tinyUpdate,
  weightValues,
} from '../helpers/tiny-policy.js';
import { exampleTrajectory } from '../helpers/trajectories.js';

beforeAll(async () => {
  await useBackend(detectedBackend);
});

const failed: Outcome = { status: 'failed', error: { code: 'gone', message: 'gone', retryable: false } };

function scored(reward: number, ...sequences: TokenSequence[]): Outcome {
  return { status: 'scored', trajectory: exampleTrajectory({ reward: { value: reward, parts: {} }, sequences }) };
}

function group(...outcomes: Outcome[]): TrajectoryGroup {
  return { task: { id: 'ragged', dataSource: 'ragged', data: null }, outcomes };
}

/** Groups of 3, 0, 1 and 2 scored members; one member has two sequences. */
function raggedGroups(sequences: readonly TokenSequence[]): TrajectoryGroup[] {
  const [a, b, c, d, e, f, g] = sequences;
  return [
    group(scored(1, a!), failed, scored(0, b!), scored(0.5, c!, d!)),
    group(failed, { status: 'cancelled', reason: 'enough' }),
    group(scored(1, e!), failed),
    group(scored(0, f!), scored(1, g!)),
  ];
}

describe('ragged groups', () => {
  it('become sequences with the advantages of their own group', async () => {
    using tiny = openTinyPolicy();
    const sequences = raggedSequences(await sampleEpisodes(tiny.sampler, 7));
    const { sequences: trained } = await experienceOf(raggedGroups(sequences));
    expect(trained.map(({ tokens }) => tokens)).toEqual(sequences.map(({ tokens }) => tokens));
    const advantages = trained.map(({ advantages, mask }) => advantages[mask.indexOf(1)]!);
    const half = Math.SQRT1_2;
    const expected = [1, -1, 0, 0, 1, -half, half];
    expect(largestDifference(advantages, expected)).toBeLessThan(1e-5);
  });

  it('train to the same weights in whatever order their groups come', async () => {
    const results = [];
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
    ]) {
      using tiny = openTinyPolicy();
      const groups = raggedGroups(raggedSequences(await sampleEpisodes(tiny.sampler, 7)));
      const { sequences: trained } = await experienceOf(order.map((g) => groups[g]!));
      const metrics = await tiny.trainer.update(trained, { ...tinyUpdate, ppoMaxTokenLenPerGpu: 60 }, never);
      expect(metrics['actor/grad_norm']).toBeGreaterThan(0);
      results.push(await weightValues(tiny.policy));
    }
    // Sequences are sorted by length before they are batched, so that even the order of additions is the same.
    expect(results[1]).toEqual(results[0]);
  });

  it('none of which has a scored member are an update that changes nothing', async () => {
    using tiny = openTinyPolicy();
    const before = await weightValues(tiny.policy);
    const { sequences: trained } = await experienceOf([group(), group(failed)]);
    await tiny.trainer.update(trained, tinyUpdate, never);
    expect(trained).toEqual([]);
    expect(await weightValues(tiny.policy)).toEqual(before);
  });
});

function raggedSequences(sequences: Awaited<ReturnType<typeof sampleEpisodes>>): TokenSequence[] {
  return sequences.map(({ tokens, mask, logprobs }) => ({
    tokens,
    mask,
    logprobs,
    versions: mask.map((bit) => bit - 1),
  }));
}
