import { expect, test } from 'vitest';
import { grpoPassk } from '../../../core/advantages/grpo-passk.js';
import { expectOrderInvariance, flatEstimates } from '../../helpers/estimates.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

const withStd = { name: 'grpo_passk', normAdvByStdInGrpo: true } as const;
const withoutStd = { name: 'grpo_passk', normAdvByStdInGrpo: false } as const;

test('of rewards 3, 1, 0, 2 the best alone has an advantage: (3 - 2) / 1.290994', () => {
  expectClose(advantagesOf([3, 1, 0, 2], withStd), [0.774596, 0, 0, 0], { relative: 0, absolute: 1e-6 });
});

test('without the deviation it is the distance to the second best', () => {
  expect(advantagesOf([0, 5, 2], withoutStd)).toEqual([0, 3, 0]);
});

test('a tie for the best gives nobody an advantage', () => {
  expect(advantagesOf([3, 1, 3], withStd)).toEqual([0, 0, 0]);
  expect(advantagesOf([0.1, 0.1], withStd)).toEqual([0, 0]);
});

test('a group of one has no second best and no advantage', () => {
  expect(advantagesOf([5], withStd)).toEqual([0]);
  expect(advantagesOf([-5], withoutStd)).toEqual([0]);
});

test('every sampled token of the best has the advantage, in all its sequences; a member without any is compared with', () => {
  const [[best] = []] = grpoPassk([[scoredMember(3, [[0, 1, 0, 1], [1]]), scoredMember(1, [])]], withoutStd);
  expect(best?.map(({ advantages }) => advantages)).toEqual([[0, 2, 0, 2], [2]]);
});

test('order does not matter, and empty groups stay empty', () => {
  const groups = [[3, 1, 2], [], [5, 0]].map((rewards) => rewards.map((reward) => scoredMember(reward)));
  expectOrderInvariance((given) => grpoPassk(given, withStd), groups);
});

function advantagesOf(rewards: readonly number[], settings: Parameters<typeof grpoPassk>[1]): number[] {
  return flatEstimates(grpoPassk([rewards.map((reward) => scoredMember(reward))], settings));
}
