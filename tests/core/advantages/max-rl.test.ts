import { expect, test } from 'vitest';
import { maxRl } from '../../../core/advantages/max-rl.js';
import { memberAdvantages, workedTolerance } from '../../helpers/estimated.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

test('one success of four weighs 3, each failure -1', () => {
  // mean 1/4: (1 - 1/4) / (1/4) = 3 and (0 - 1/4) / (1/4) = -1
  expect(advantagesOf([1, 0, 0, 0])).toEqual([3, -1, -1, -1]);
});

test('the rarer success is, the more it weighs', () => {
  // mean 3/4: (1 - 3/4) / (3/4) = 1/3
  expectClose(advantagesOf([1, 1, 1, 0]), [1 / 3, 1 / 3, 1 / 3, -1], workedTolerance);
});

test('a group without success, and a group of one, have advantage 0', () => {
  expect(advantagesOf([0, 0, 0])).toEqual([0, 0, 0]);
  expect(advantagesOf([1])).toEqual([0]);
  expect(advantagesOf([0])).toEqual([0]);
});

test('what it estimates is the gradient of log p up to the power n - 1', () => {
  // Success with p = .3 of a logit: its score is 1 - p, a failure's -p, and dp = p (1 - p). All 2^4 groups of four, by their chance:
  // d/dlogit of -(q + q^2/2 + q^3/3) with q = 1 - p is dp (1 + q + q^2) = .21 * 2.19.
  const p = 0.3;
  let gradient = 0;
  for (let outcome = 0; outcome < 16; outcome++) {
    const rewards = [0, 1, 2, 3].map((i) => (outcome >> i) & 1);
    const chance = rewards.reduce((product, reward) => product * (reward === 1 ? p : 1 - p), 1);
    const advantages = advantagesOf(rewards);
    for (const [i, reward] of rewards.entries()) gradient += (chance * advantages[i]! * (reward - p)) / 4;
  }
  expectClose([gradient], [0.21 * 2.19], workedTolerance);
});

test('a negative reward counts as 0', () => {
  expect(advantagesOf([1, -0.5, 0, -3])).toEqual(advantagesOf([1, 0, 0, 0]));
  expect(advantagesOf([-1, -2])).toEqual([0, 0]);
});

test('the unit of rewards is of no account', () => {
  // mean 0.5 and 0.5e-9: (0.75 - 0.5) / 0.5 = 0.5
  expectClose(advantagesOf([0.75, 0.25]), [0.5, -0.5], workedTolerance);
  expectClose(advantagesOf([0.75e-9, 0.25e-9]), [0.5, -0.5], workedTolerance);
});

/** One number a member of one group. */
function advantagesOf(rewards: readonly number[]): number[] {
  return memberAdvantages(maxRl([rewards.map((reward) => scoredMember(reward))], { name: 'max_rl' })).flat();
}
