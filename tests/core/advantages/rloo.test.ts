import { expect, test } from 'vitest';
import { rloo } from '../../../core/advantages/rloo.js';
import { expectOrderInvariance, flatEstimates } from '../../helpers/estimates.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

const settings = { name: 'rloo' } as const;

test('rewards 1, 0, 0, 1 less the mean of the others are ±2/3', () => {
  expectClose(advantagesOf([1, 0, 0, 1]), [2 / 3, -2 / 3, -2 / 3, 2 / 3], { relative: 1e-12, absolute: 0 });
});

test('a group of one keeps its reward', () => {
  expect(advantagesOf([0.5])).toEqual([0.5]);
});

test('equal rewards have advantage exactly 0', () => {
  expect(advantagesOf([0.1, 0.1, 0.1])).toEqual([0, 0, 0]);
});

test('every sampled token of every sequence has the advantage, others 0; returns are the same', () => {
  const [[first] = []] = rloo([[scoredMember(3, [[0, 1, 0, 1], [1, 0], []]), scoredMember(1)]], settings);
  expect(first?.map(({ advantages }) => advantages)).toEqual([[0, 2, 0, 2], [2, 0], []]);
  expect(first?.map(({ returns }) => returns)).toEqual([[0, 2, 0, 2], [2, 0], []]);
});

test('a member without sequences counts among the others', () => {
  expect(rloo([[scoredMember(2), scoredMember(0, [])]], settings)).toEqual([[[{ advantages: [2], returns: [2] }], []]]);
});

test('order does not matter, and empty groups stay empty', () => {
  const groups = [[3, 1, 2], [], [5, 0]].map((rewards) => rewards.map((reward) => scoredMember(reward)));
  expectOrderInvariance((given) => rloo(given, settings), groups);
});

function advantagesOf(rewards: readonly number[]): number[] {
  return flatEstimates(rloo([rewards.map((reward) => scoredMember(reward))], settings));
}
