import { describe, expect, it } from 'vitest';
import { algorithmConfig } from '../../../core/algorithm-config.js';
import { estimatorSequence, rowsOf } from '../../../core/experience/rows.js';
import type { Trajectory } from '../../../core/types.js';
import { expectClose } from '../../helpers/expect-close.js';
import { experienceOf } from '../../helpers/experience.js';
import { exampleSequence, groupOf, scoredOutcome } from '../../helpers/outcomes.js';
import { ScriptedTrainer } from '../../helpers/scripted-trainer.js';
import { exampleTrajectory } from '../../helpers/trajectories.js';

const near = { relative: 1e-6, absolute: 1e-9 };
const plain = { advEstimator: { name: 'grpo', normAdvByStdInGrpo: false } } as const;

function rewardsOf(changes: Partial<Trajectory>, algorithm: object = {}, maxResponseTokens = 100): readonly number[][] {
  const groups = [groupOf(scoredOutcome(1, changes))];
  return rowsOf(groups, algorithmConfig.parse(algorithm), maxResponseTokens).map(({ rewards }) => [...rewards]);
}

function turnsWith(...rewards: (number | undefined)[]): Trajectory['turns'] {
  return exampleTrajectory().turns.map((turn, k) => {
    const reward = rewards[k];
    return reward === undefined ? turn : { ...turn, reward };
  });
}

describe('rewards of tokens', () => {
  it('are the whole reward at the last sampled token where no turn has its own', () => {
    expect(rewardsOf({})).toEqual([[0, 0, 0, 0, 0, 1]]);
  });

  it('are each turn’s at its last token, and the rest at the last of all', () => {
    expect(rewardsOf({ turns: turnsWith(0.25, 0.5) })).toEqual([[0, 0, 0, 0.25, 0, 0.75]]);
    expect(rewardsOf({ turns: turnsWith(undefined, -2) })).toEqual([[0, 0, 0, 0, 0, 1]]);
  });

  it('lie in the last sequence that has a sampled token', () => {
    const unsampled = exampleSequence({ mask: [0, 0, 0, 0, 0, 0] });
    expect(rewardsOf({ sequences: [exampleSequence(), unsampled] })).toEqual([
      [0, 0, 0, 0, 0, 1],
      [0, 0, 0, 0, 0, 0],
    ]);
  });

  it('show estimators which turn earned them and what it was shown', () => {
    const groups = [groupOf(scoredOutcome(1, { turns: turnsWith(0.25, 0.5) }))];
    const [row] = rowsOf(groups, algorithmConfig.parse({}), 100);
    expect(estimatorSequence(row!).turns).toEqual([
      { start: 2, end: 4, reward: 0.25, anchor: '72 105' },
      { start: 5, end: 6, reward: 0.5, anchor: '67' },
    ]);
  });

  it('fall by the overlong penalty of all that was sampled', () => {
    const overlongBuffer = { enable: true, len: 2, penaltyFactor: 0.5 };
    expect(rewardsOf({}, { overlongBuffer }, 4)).toEqual([[0, 0, 0, 0, 0, 0.75]]);
    expect(rewardsOf({}, { overlongBuffer }, 5)).toEqual([[0, 0, 0, 0, 0, 1]]);
  });

  it('with the overlong penalty, not the environment’s, make the advantages', async () => {
    const overlongBuffer = { enable: true, len: 2, penaltyFactor: 0.5 };
    const short = scoredOutcome(1, { sequences: [exampleSequence({ mask: [0, 0, 0, 0, 0, 1] })] });
    const groups = [groupOf(scoredOutcome(1), short)];
    const { sequences, metrics } = await experienceOf(groups, { ...plain, overlongBuffer }, { maxResponseTokens: 4 });
    expect(sequences.map(({ advantages }) => advantages[5])).toEqual([-0.125, 0.125]);
    expect(metrics['critic/rewards/mean']).toBe(0.875);
  });
});

describe('the KL in the reward', () => {
  const algorithm = { ...plain, useKlInReward: true, klPenalty: 'kl', klCtrl: { klCoef: 0.1 } };
  // The example's log-probs are -0.5, -1.25, -0.125 at tokens 2, 3, 5.
  const trainer = new ScriptedTrainer({ refLogprobs: (t) => (t === 2 ? -1 : -2) });

  it('takes the coefficient times log π_old - log π_ref from the reward of each token', async () => {
    const groups = [
      groupOf(scoredOutcome(1), scoredOutcome(0, { sequences: [exampleSequence({ mask: [0, 0, 0, 0, 0, 1] })] })),
    ];
    const { sequences, rewardKl, metrics } = await experienceOf(groups, algorithm, { trainer });
    const kls = [0.5 + 0.75 + 1.875, 1.875];
    const rewards = [1 - 0.1 * kls[0]!, -0.1 * kls[1]!];
    const mean = (rewards[0]! + rewards[1]!) / 2;
    expectClose(
      sequences.map(({ advantages }) => advantages[5]!),
      [rewards[0]! - mean, rewards[1]! - mean],
      near,
    );
    expect(rewardKl).toBeCloseTo((kls[0]! / 3 + kls[1]!) / 2, 9);
    expect(metrics).toMatchObject({ 'actor/reward_kl_penalty': rewardKl, 'actor/reward_kl_penalty_coeff': 0.1 });
  });

  it('reaches estimators that look at tokens token by token', async () => {
    const advEstimator = { name: 'reinforce_plus_plus' } as const;
    const { metrics } = await experienceOf([groupOf(scoredOutcome(1))], { ...algorithm, advEstimator }, { trainer });
    expect(metrics['critic/returns/max']).toBeCloseTo(1 - 0.1 * 1.875, 6);
    expect(metrics['critic/returns/min']).toBeCloseTo(1 - 0.1 * (0.5 + 0.75 + 1.875), 6);
  });

  it('weighs what the controller says, and is nothing when it is off', async () => {
    const groups = [groupOf(scoredOutcome(1))];
    const { metrics } = await experienceOf(groups, algorithm, { trainer, klCoef: 0 });
    expect(metrics['critic/rewards/mean']).toBe(1);
    expect((await experienceOf(groups, plain)).rewardKl).toBeUndefined();
  });
});

describe('what a budget cut short', () => {
  const masked = { ...plain, maskTruncated: true };
  const groups = [groupOf(scoredOutcome(1), scoredOutcome(0), scoredOutcome(-4, { stopReason: 'max_turns' }))];

  it('is trained on unless told otherwise', async () => {
    const { sequences } = await experienceOf(groups, plain);
    expect(sequences.map(({ advantages }) => advantages[5])).toEqual([2, 1, -3]);
  });

  it('is masked where told so, but its reward counts in the baseline', async () => {
    const { sequences } = await experienceOf(groups, masked);
    expect(sequences.map(({ mask }) => mask.reduce<number>((a, b) => a + b, 0))).toEqual([3, 3, 0]);
    expect(sequences.map(({ advantages }) => advantages[5])).toEqual([2, 1, 0]);
  });

  it('does not count there when masked members are left out of it', async () => {
    const { sequences } = await experienceOf(groups, { ...masked, baselineIncludesMasked: false });
    expect(sequences.map(({ advantages }) => advantages[5])).toEqual([0.5, -0.5, 0]);
  });
});
