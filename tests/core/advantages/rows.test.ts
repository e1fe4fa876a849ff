import { expect, test } from 'vitest';
import { algorithmConfig } from '../../../core/algorithm-config.js';
import { estimateAdvantages, estimatorNeeds } from '../../../core/algorithms.js';
import { scoredMember } from '../../helpers/scored-members.js';

test.each([
  ['gigpo', { stepAdvantageW: 1, gamma: 0.95, mode: 'mean_norm' }, []],
  ['mt_grpo', { turnCoef: 1, normAdvByStdInGrpo: true }, []],
  ['bi_level_gae', { gamma: 1, lam: 1, gammaTurn: 0.95, lamTurn: 1 }, ['values']],
  ['prime', { rewardDpoCoef: 5, rewardGtCoef: 5, primeNorm: 'batch_norm' }, ['processRewards']],
  ['luffy', {}, []],
  ['max_rl', {}, []],
  ['best_of_n', { k: 1, threshold: null }, []],
  ['best_vs_worst', {}, []],
  ['win_rate', {}, []],
])('%s stands in the table, with its defaults and needs', (name, defaults, needs) => {
  const { advEstimator } = algorithmConfig.parse({ advEstimator: { name } });
  expect(advEstimator).toEqual({ name, ...defaults });
  expect(estimatorNeeds(name)).toEqual(needs);
});

test('the table hands groups and settings to the estimator that is named', () => {
  const groups = [[3, 2, 1].map((reward) => scoredMember(reward))];
  const estimates = estimateAdvantages({ name: 'best_of_n', k: 2, threshold: 3 }, groups);
  expect(estimates.flat(2).map(({ advantages }) => advantages)).toEqual([[1], [0], [0]]);
});
