import { expect, test } from 'vitest';
import { reinforcePlusPlus } from '../../../core/advantages/reinforce-plus-plus.js';
import { expectOrderInvariance, flatEstimates, maskedSequence, memberOf } from '../../helpers/estimates.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

const settings = { name: 'reinforce_plus_plus', gamma: 0.5, carriesAcrossObservations: true } as const;
const asVerl = { ...settings, carriesAcrossObservations: false } as const;
const gap = memberOf([maskedSequence('101', { rewards: [0, 0, 1] })]);

test('a turn before an observation sees the reward after it, half of it at γ = 0.5', () => {
  const estimates = reinforcePlusPlus([[gap]], settings);
  expect(flatEstimates(estimates, 'returns')).toEqual([0.5, 0, 1]);
  expectClose(flatEstimates(estimates), [-Math.SQRT1_2, 0, Math.SQRT1_2], { relative: 1e-6, absolute: 0 });
});

test('with the return that verl loses, it sees nothing', () => {
  expect(flatEstimates(reinforcePlusPlus([[gap]], asVerl), 'returns')).toEqual([0, 0, 1]);
});

test('without observations both are the same', () => {
  const whole = [[memberOf([maskedSequence('0111', { rewards: [0, 1, 0, 2] })]), scoredMember(3, [[1, 1, 0]])]];
  expect(reinforcePlusPlus(whole, asVerl)).toEqual(reinforcePlusPlus(whole, settings));
});

test('groups play no part', () => {
  const [a, b, c] = [scoredMember(1, [[1, 0, 1]]), scoredMember(0), scoredMember(-2, [[1, 1], [1]])];
  const apart = reinforcePlusPlus([[a], [b], [c]], settings);
  expect(flatEstimates(reinforcePlusPlus([[a, b, c]], settings))).toEqual(flatEstimates(apart));
  expectOrderInvariance((groups) => reinforcePlusPlus(groups, settings), [[a, b], [], [c]]);
});

test('equal returns have advantage exactly 0, and so has a single token', () => {
  const equal = reinforcePlusPlus([[0.1, 0.1, 0.1].map((reward) => scoredMember(reward))], settings);
  expect(flatEstimates(equal)).toEqual([0, 0, 0]);
  expect(flatEstimates(reinforcePlusPlus([[scoredMember(4)]], settings))).toEqual([0]);
  expect(reinforcePlusPlus([[], [memberOf([])]], settings)).toEqual([[], [[]]]);
});
