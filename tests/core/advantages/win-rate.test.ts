import { expect, test } from 'vitest';
import { winRate } from '../../../core/advantages/win-rate.js';
import { memberAdvantages, workedTolerance } from '../../helpers/estimated.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

test('an advantage is the share of others beaten, ties half, less a half', () => {
  // 3 beats three of three: 1. Each 2 beats one, ties one, loses one: (1 + 1/2) / 3 = 1/2. 1 beats none: 0.
  expectClose(advantagesOf([2, 3, 2, 1]), [0, 0.5, 0, -0.5], workedTolerance);
});

test('three of a kind share what they win and lose', () => {
  // each 1: ties two, beats one: (2/2 + 1) / 3 = 2/3; 0: beats none
  expectClose(advantagesOf([1, 1, 0, 1]), [1 / 6, 1 / 6, -0.5, 1 / 6], workedTolerance);
});

test('only the order of rewards matters', () => {
  expect(advantagesOf([1e9, -7, 0.001])).toEqual(advantagesOf([3, 1, 2]));
});

test('a group of one has nobody to beat', () => {
  expect(advantagesOf([5])).toEqual([0]);
});

/** One number a member of one group. */
function advantagesOf(rewards: readonly number[]): number[] {
  return memberAdvantages(winRate([rewards.map((reward) => scoredMember(reward))], { name: 'win_rate' })).flat();
}
