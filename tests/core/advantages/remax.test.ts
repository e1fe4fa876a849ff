import { expect, test } from 'vitest';
import { remax } from '../../../core/advantages/remax.js';
import { expectOrderInvariance, flatEstimates, maskedSequence, memberOf } from '../../helpers/estimates.js';
import { scoredMember } from '../../helpers/scored-members.js';

const settings = { name: 'remax' } as const;
const greedyReward = 0.25;

test('the greedy reward is taken from the reward on every sampled token; returns are without it', () => {
  const [[[row] = []] = []] = remax([[scoredMember(1, [[0, 1, 0, 1]], { greedyReward })]], settings);
  expect(row).toEqual({ advantages: [0, 0.75, 0, 0.75], returns: [0, 1, 0, 1] });
});

test('rewards on the way count from their token back, through all sequences', () => {
  const sequences = [maskedSequence('11', { rewards: [1, 0] }), maskedSequence('01', { rewards: [0, 2] })];
  const estimates = remax([[memberOf(sequences, { greedyReward })]], settings);
  expect(flatEstimates(estimates, 'returns')).toEqual([3, 2, 0, 2]);
  expect(flatEstimates(estimates)).toEqual([2.75, 1.75, 0, 1.75]);
});

test('a reward equal to the greedy one has advantage exactly 0', () => {
  expect(flatEstimates(remax([[scoredMember(0.1, [[1, 1]], { greedyReward: 0.1 })]], settings))).toEqual([0, 0]);
});

test('groups play no part', () => {
  const members = [3, 1, 2].map((reward) => scoredMember(reward, [[1, 0, 1]], { greedyReward }));
  const apart = members.map((member) => [member]);
  expect(flatEstimates(remax([members], settings))).toEqual(flatEstimates(remax(apart, settings)));
  expectOrderInvariance((groups) => remax(groups, settings), [members, [], apart[0] ?? []]);
});

test('a member without a greedy reward is a broken invariant', () => {
  expect(() => remax([[scoredMember(1)]], settings)).toThrow('reward of a greedy episode');
  expect(remax([[], [scoredMember(1, [], { greedyReward })]], settings)).toEqual([[], [[]]]);
});
