import { expect, test } from 'vitest';
import { advantageEstimatorSettings, estimatorNeeds } from '../../../core/algorithms.js';

test.each([
  ['grpo', { normAdvByStdInGrpo: true }, []],
  ['grpo_passk', { normAdvByStdInGrpo: true }, []],
  ['gae', { gamma: 1, lam: 1 }, ['values']],
  ['reinforce_plus_plus', { gamma: 1, carriesAcrossObservations: true }, []],
  ['reinforce_plus_plus_baseline', {}, []],
  ['rloo', {}, []],
  ['opo', {}, []],
  ['remax', {}, ['greedyReward']],
  ['gpg', {}, []],
  ['optimal_token_baseline', { handleZeroTail: false }, ['sumPiSquared']],
  ['tir_optimal_token_baseline', { handleZeroTail: true }, ['sumPiSquared']],
])("%s has verl's defaults %o and needs %o", (name, defaults, needs) => {
  expect(advantageEstimatorSettings.parse({ name })).toEqual({ name, ...defaults });
  expect(estimatorNeeds(name)).toEqual(needs);
});

test('gdpo has no default for the parts of the reward', () => {
  expect(advantageEstimatorSettings.safeParse({ name: 'gdpo' }).error?.issues[0]?.path).toEqual(['gdpoRewardKeys']);
  expect(advantageEstimatorSettings.parse({ name: 'gdpo', gdpoRewardKeys: ['acc'] })).toEqual({
    name: 'gdpo',
    gdpoRewardKeys: ['acc'],
    gdpoRewardWeights: null,
    normAdvByStdInGrpo: true,
  });
});

test.each([
  { name: 'gae', gamma: 1.1 },
  { name: 'gae', lam: -0.1 },
  { name: 'reinforce_plus_plus', lam: 1 },
  { name: 'rloo', normAdvByStdInGrpo: true },
])('%o is refused', (settings) => {
  expect(advantageEstimatorSettings.safeParse(settings).success).toBe(false);
});
