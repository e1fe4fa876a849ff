import { describe, expect, it } from 'vitest';
import { notJudged, type RewardModel } from '../../../core/reward-models/reward-model.js';
import { addScores, scoreGroups } from '../../../core/reward-models/score-groups.js';
import { scoredTrajectories } from '../../../core/trajectories.js';
import type { Outcome, TrajectoryGroup } from '../../../core/types.js';
import { never } from '../../helpers/tiny-policy.js';
import { exampleGroup, exampleTrajectory } from '../../helpers/trajectories.js';

function rewards(groups: readonly TrajectoryGroup[]) {
  return groups.flatMap(scoredTrajectories).map(({ reward }) => reward);
}

function scored(value: number): Outcome {
  return {
    status: 'scored',
    trajectory: exampleTrajectory({ reward: { value, parts: { correct: value }, pred: '4' } }),
  };
}

describe('scores', () => {
  const [, failed, cancelled] = exampleGroup().outcomes;
  const groups = [
    { ...exampleGroup(), outcomes: [failed!, scored(1), scored(0)], greedyReward: 0.5 },
    { ...exampleGroup(), outcomes: [scored(-1), cancelled!] },
  ];

  it('are added to the reward of their episode, weighed, and kept as a part', () => {
    expect(rewards(addScores(groups, [2, -3, 0.5], 0.1))).toEqual([
      { value: 1.2, parts: { correct: 1, rm_score: 2 }, pred: '4' },
      { value: 0 - 0.30000000000000004, parts: { correct: 0, rm_score: -3 }, pred: '4' },
      { value: -0.95, parts: { correct: -1, rm_score: 0.5 }, pred: '4' },
    ]);
  });

  it('leave what failed or was cancelled, and the groups given, as they are', () => {
    const before = structuredClone(groups);
    const [first, second] = addScores(groups, [1, 1, 1], 1);
    expect([first?.outcomes[0], second?.outcomes[1]]).toEqual([failed, cancelled]);
    expect(first?.greedyReward).toBe(0.5);
    expect(groups).toEqual(before);
  });

  it.each([
    [notJudged('gone'), 'gone'],
    [Number.NaN, 'the score is NaN'],
    [Number.POSITIVE_INFINITY, 'the score is Infinity'],
  ])('that are %s make the episode a failure, never reward 0', (judgement, message) => {
    const [first] = addScores(groups, [judgement, 1, 1], 1);
    expect(first?.outcomes[1]).toEqual({
      status: 'failed',
      error: { code: 'reward_model_failed', message, retryable: false },
    });
    expect(rewards([first!])).toHaveLength(1);
  });

  it('are one an episode', () => {
    expect(() => addScores(groups, [1, 2], 1)).toThrow('2 judgements for 3 episodes');
  });
});

it('a model is asked for the scored episodes alone, with their tasks, and not at all where there is none', async () => {
  const asked: string[][] = [];
  const model: RewardModel = {
    weight: 2,
    judge: async (episodes) => {
      asked.push(episodes.map(({ task }) => task.id));
      return episodes.map(() => 1);
    },
  };
  const other = { ...exampleGroup(), task: { ...exampleGroup().task, id: 'sum-2' } };
  const nothing = { ...exampleGroup(), outcomes: exampleGroup().outcomes.slice(1) };
  expect(rewards(await scoreGroups([exampleGroup(), other], model, never)).map(({ value }) => value)).toEqual([3, 3]);
  expect(await scoreGroups([nothing], model, never)).toEqual([nothing]);
  expect(asked).toEqual([['sum-1', 'sum-2']]);
});
