import { expect, test } from 'vitest';
import { gpg } from '../../../core/advantages/gpg.js';
import { expectOrderInvariance, flatEstimates } from '../../helpers/estimates.js';
import { scoredMember } from '../../helpers/scored-members.js';

const settings = { name: 'gpg' } as const;

test('rewards 1, 0, 0, 1: α = 4 / 2 makes of ±0.5 ±1', () => {
  expect(advantagesOf([[1, 0, 0, 1]])).toEqual([1, -1, -1, 1]);
});

test('α is of the whole step, the mean of the group', () => {
  expect(advantagesOf([[1, 0], [0, 0], []])).toEqual([2, -2, 0, 0]);
});

test('when no reward differs from 0, α is the number of members and advantages are 0', () => {
  expect(advantagesOf([[0, 0], [0]])).toEqual([0, 0, 0]);
});

test('a group of one has mean 0; equal rewards have advantage exactly 0', () => {
  expect(advantagesOf([[0.5]])).toEqual([0.5]);
  expect(advantagesOf([[0.1, 0.1, 0.1]])).toEqual([0, 0, 0]);
});

test('every sampled token of every sequence has the advantage, others 0', () => {
  const [[first, second] = []] = gpg([[scoredMember(3, [[0, 1, 0, 1], [1]]), scoredMember(1, [])]], settings);
  expect(first?.map(({ advantages }) => advantages)).toEqual([[0, 1, 0, 1], [1]]);
  expect(second).toEqual([]);
});

test('order does not matter', () => {
  const groups = [[3, 1, 0], [], [5, 0]].map((rewards) => rewards.map((reward) => scoredMember(reward)));
  expectOrderInvariance((given) => gpg(given, settings), groups);
});

function advantagesOf(rewards: readonly (readonly number[])[]): number[] {
  return flatEstimates(
    gpg(
      rewards.map((group) => group.map((reward) => scoredMember(reward))),
      settings,
    ),
  );
}
