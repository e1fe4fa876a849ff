import { describe, expect, it } from 'vitest';
import { criticConfig } from '../../../core/critic-config.js';
import { expectClose } from '../../helpers/expect-close.js';
import { experienceOf } from '../../helpers/experience.js';
import { exampleSequence, groupOf, scoredOutcome } from '../../helpers/outcomes.js';
import { ScriptedTrainer } from '../../helpers/scripted-trainer.js';

const near = { relative: 1e-5, absolute: 1e-6 };

describe('a critic', () => {
  const trainer = () => new ScriptedTrainer({ values: (t) => t / 10 });

  it('is asked for values where the estimator needs them, and is given returns to learn', async () => {
    const critic = trainer();
    const advEstimator = { name: 'gae', gamma: 1, lam: 1 } as const;
    const { sequences } = await experienceOf([groupOf(scoredOutcome(1))], { advEstimator }, { trainer: critic });
    expect(critic.events).toEqual(['values']);
    expect(sequences[0]?.values).toEqual([0, 0, 0.2, 0.3, 0, 0.5]);
    const returns = (sequences[0]?.returns ?? []).filter((_, t) => sequences[0]?.mask[t] === 1);
    expectClose(returns, [1, 1, 1], near);
  });

  it('explains the share of the returns’ variance that its values leave no room for', async () => {
    const advEstimator = { name: 'gae', gamma: 1, lam: 1 } as const;
    const groups = [groupOf(scoredOutcome(1), scoredOutcome(0))];
    const critic = new ScriptedTrainer({ values: (t, s) => (s === 0 ? 0.5 + t / 100 : 0) });
    const { metrics } = await experienceOf(groups, { advEstimator }, { trainer: critic });
    const left = [0.48, 0.47, 0.45, 0, 0, 0];
    const variance = (values: readonly number[]): number => {
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    };
    const expected = 1 - variance(left) / (variance([1, 1, 1, 0, 0, 0]) + 1e-5);
    expect(metrics['critic/vf_explained_var']).toBeCloseTo(expected, 5);
    expect(metrics['critic/values/max']).toBeCloseTo(0.55, 9);
  });

  it('can be asked for though the estimator does without, and left out though it wants one', async () => {
    const groups = [groupOf(scoredOutcome(1), scoredOutcome(0))];
    const [asked, silent] = [trainer(), trainer()];
    const on = await experienceOf(groups, {}, { trainer: asked, critic: criticConfig.parse({ enable: true }) });
    expect([asked.events, on.sequences[0]?.values !== undefined]).toEqual([['values'], true]);
    const off = await experienceOf(groups, {}, { trainer: silent });
    expect([silent.events, off.sequences[0]?.values]).toEqual([[], undefined]);
  });
});

describe('what is asked of the trainer', () => {
  const columns = { logprobs: () => -1, sumPiSquared: () => 0.25, refLogprobs: () => -1.5, values: () => 0 };

  it.each([
    [
      'sumPiSquared by the optimal token baseline',
      { advEstimator: { name: 'optimal_token_baseline' } },
      ['sumPiSquared'],
    ],
    ['the reference by a KL loss', { useKlLoss: true }, ['refLogprobs']],
    ['the reference by DPO', { policyLoss: { name: 'dpo' }, advEstimator: { name: 'best_vs_worst' } }, ['refLogprobs']],
  ])('%s', async (_, algorithm, events) => {
    const trainer = new ScriptedTrainer(columns);
    await experienceOf([groupOf(scoredOutcome(1), scoredOutcome(0))], algorithm, { trainer });
    expect(trainer.events).toEqual(events);
  });

  it('comes in verl’s order, policy before reference before critic', async () => {
    const trainer = new ScriptedTrainer(columns);
    const algorithm = { useKlLoss: true, advEstimator: { name: 'gae' } };
    await experienceOf([groupOf(scoredOutcome(1))], algorithm, { trainer, version: 8 });
    expect(trainer.events).toEqual(['logprobs', 'refLogprobs', 'values']);
  });

  it('is nothing for a step without sequences', async () => {
    const trainer = new ScriptedTrainer({});
    await experienceOf([], { useKlLoss: true, advEstimator: { name: 'gae' } }, { trainer });
    expect(trainer.events).toEqual([]);
  });
});

describe('the process reward model of PRIME', () => {
  const algorithm = { advEstimator: { name: 'prime' }, processReward: { beta: 0.5 } };
  const columns = { refLogprobs: () => -1, processLogprobs: (t: number, s: number) => (s === 0 ? -1 + t / 10 : -1) };
  const groups = [groupOf(scoredOutcome(1.5), scoredOutcome(-1))];

  it('is trained on the outcomes before it is asked for rewards', async () => {
    const trainer = new ScriptedTrainer(columns);
    const { metrics } = await experienceOf(groups, algorithm, { trainer });
    expect(trainer.events).toEqual(['refLogprobs', 'update processReward', 'processLogprobs']);
    const [{ sequences, options } = { sequences: [], options: undefined }] = trainer.updates;
    expect(sequences.map(({ outcome, refLogprobs }) => [outcome, refLogprobs?.[2]])).toEqual([
      [1, -1],
      [0, -1],
    ]);
    expect(options).toMatchObject({ model: 'processReward', beta: 0.5 });
    expect(metrics['prm/ce_loss']).toBe(0.5);
  });

  it('favours the tokens that it finds likelier than the reference does', async () => {
    const process = { ...algorithm, advEstimator: { name: 'prime', rewardGtCoef: 0 } };
    const { sequences } = await experienceOf(groups, process, { trainer: new ScriptedTrainer(columns) });
    const [winner = [], loser = []] = sequences.map(({ advantages }) => advantages);
    expect(winner[5]).toBeGreaterThan(loser[5] ?? 0);
    expect(winner[2]).toBeGreaterThan(loser[2] ?? 0);
  });
});

describe('PF-PPO', () => {
  const two = [exampleSequence(), exampleSequence({ tokens: [1, 2, 3, 4, 5, 6] })];
  const groups = [
    groupOf(scoredOutcome(0, { sequences: two }), scoredOutcome(3, { sequences: two }), scoredOutcome(0)),
  ];

  it('draws whole trajectories, as many as there are, and never one whose weight is nothing', async () => {
    const { sequences, byGroup } = await experienceOf(groups, { usePfPpo: true, advEstimator: { name: 'gpg' } });
    expect(sequences.map(({ tokens }) => tokens[0])).toEqual([72, 1, 72, 1, 72, 1]);
    const [, , winner] = byGroup[0] ?? [];
    expect(sequences.every(({ advantages }) => advantages[5] === winner?.advantages[5])).toBe(true);
    expect(byGroup[0]).toHaveLength(5);
  });

  it('draws the same with the same seed', async () => {
    const even = { usePfPpo: true, pfPpo: { weightPow: 0 } };
    const drawn = async (seed: number) => (await experienceOf(groups, even, { seed })).sequences;
    expect(await drawn(4)).toEqual(await drawn(4));
  });
});
