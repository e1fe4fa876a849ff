import { describe, expect, it } from 'vitest';
import { expectClose } from '../../helpers/expect-close.js';
import { experienceOf } from '../../helpers/experience.js';
import { exampleSequence, groupOf, scoredOutcome } from '../../helpers/outcomes.js';
import { ScriptedTrainer } from '../../helpers/scripted-trainer.js';

/** Of the engine: -0.5, -1.25, -0.125 at tokens 2, 3, 5, all of version 3; the trainer says something else. */
const trainerSays = (t: number): number => [0, 0, -0.7, -1, 0, -2][t] ?? 0;
const ours = [0, 0, -0.7, -1, 0, -2];
const engines = exampleSequence().logprobs;
const groups = [groupOf(scoredOutcome(1), scoredOutcome(0))];

function asked(): ScriptedTrainer {
  return new ScriptedTrainer({ logprobs: trainerSays });
}

describe('old log-probs', () => {
  it('are the engine’s, without asking, where the weights are those that sampled', async () => {
    const trainer = asked();
    const { sequences } = await experienceOf(groups, {}, { trainer, version: 3 });
    expect(trainer.events).toEqual([]);
    expect(sequences[0]?.logprobs).toEqual(engines);
  });

  it('are the trainer’s where tokens were sampled from older weights', async () => {
    const trainer = asked();
    const { sequences } = await experienceOf(groups, {}, { trainer, version: 4 });
    expect(trainer.events).toEqual(['logprobs']);
    expect(sequences.map(({ logprobs }) => logprobs)).toEqual([ours, ours]);
  });

  it('are the trainer’s where sampling was cut', async () => {
    const trainer = asked();
    const cut = exampleSequence({ samplingLogprobs: engines.map((logprob) => logprob / 2) });
    const { sequences } = await experienceOf([groupOf(scoredOutcome(1, { sequences: [cut] }))], {}, { trainer });
    expect(trainer.events).toEqual(['logprobs']);
    expect(sequences[0]?.logprobs).toEqual(ours);
  });

  it('are the engine’s in bypass mode, over what it drew from, without asking', async () => {
    const trainer = asked();
    const drawn = engines.map((logprob) => logprob / 2);
    const sequences = [exampleSequence({ samplingLogprobs: drawn })];
    const bypass = { rolloutCorrection: { bypassMode: true } };
    const experience = await experienceOf([groupOf(scoredOutcome(1, { sequences }))], bypass, { trainer, version: 9 });
    expect(trainer.events).toEqual([]);
    expect(experience.sequences[0]?.logprobs).toEqual(drawn);
    expect(experience.sequences[0]?.rolloutIsWeights).toBeUndefined();
  });
});

describe('rollout correction', () => {
  // Ratios of the trainer's policy to the engine's: exp(-0.2), exp(0.25), exp(-1.875).
  const ratios = [0, 0, Math.exp(-0.2), Math.exp(0.25), 0, Math.exp(-1.875)];

  it('weighs tokens by the ratio of the policies, cut off', async () => {
    const rolloutCorrection = { rolloutIs: 'token', rolloutIsThreshold: 1.1 } as const;
    const { sequences, metrics } = await experienceOf(groups, { rolloutCorrection }, { trainer: asked() });
    const expected = ratios.map((ratio) => Math.min(ratio, 1.1));
    expectClose(sequences[0]?.rolloutIsWeights ?? [], expected, { relative: 1e-5, absolute: 1e-9 });
    expect(sequences[0]?.logprobs).toEqual(ours);
    expect(metrics['rollout_corr/rollout_is_max']).toBeCloseTo(Math.exp(0.25), 5);
  });

  it('takes rejected tokens out of the mask and leaves the others', async () => {
    const rolloutCorrection = { rolloutRs: ['token_k1' as const], rolloutRsThreshold: '0.5_2.0' };
    const { sequences } = await experienceOf(groups, { rolloutCorrection }, { trainer: asked() });
    expect(sequences.map(({ mask }) => mask)).toEqual([
      [0, 0, 1, 1, 0, 0],
      [0, 0, 1, 1, 0, 0],
    ]);
    expect(sequences[0]?.advantages[5]).toBe(0);
    expect(sequences[0]?.rolloutIsWeights).toBeUndefined();
  });

  it('rejects in bypass mode too, against the trainer’s log-probs', async () => {
    const rolloutCorrection = { bypassMode: true, rolloutRs: ['token_k1' as const], rolloutRsThreshold: '0.5_2.0' };
    const { sequences } = await experienceOf(groups, { rolloutCorrection }, { trainer: asked() });
    expect(sequences[0]?.mask).toEqual([0, 0, 1, 1, 0, 0]);
    expect(sequences[0]?.logprobs).toEqual(engines);
  });

  it('neither weighs nor masks what an expert played', async () => {
    const rolloutCorrection = {
      rolloutIs: 'token' as const,
      rolloutRs: ['token_k1' as const],
      rolloutRsThreshold: '0.5_2.0',
    };
    const mixed = [groupOf(scoredOutcome(0), scoredOutcome(1, { isOffPolicy: true }))];
    const trainer = new ScriptedTrainer({ logprobs: (t, s) => (s === 0 ? trainerSays(t) : -0.01) });
    const { sequences, metrics } = await experienceOf(mixed, { rolloutCorrection }, { trainer });
    const [own, expert] = sequences;
    expect(own).toMatchObject({ mask: [0, 0, 1, 1, 0, 0] });
    expect(own?.rolloutIsWeights).toBeDefined();
    expect(expert).toMatchObject({
      mask: [0, 0, 1, 1, 0, 1],
      isOffPolicy: true,
      logprobs: [0, 0, -0.01, -0.01, 0, -0.01],
    });
    expect(expert?.rolloutIsWeights).toBeUndefined();
    const alone = await experienceOf([groupOf(scoredOutcome(0))], { rolloutCorrection }, { trainer: asked() });
    expect(metrics['rollout_corr/rollout_is_max']).toBe(alone.metrics['rollout_corr/rollout_is_max']);
  });
});
