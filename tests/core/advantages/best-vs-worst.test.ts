import { expect, test } from 'vitest';
import { bestVsWorst } from '../../../core/advantages/best-vs-worst.js';
import { memberAdvantages } from '../../helpers/estimated.js';
import { scoredMember } from '../../helpers/scored-members.js';

const settings = { name: 'best_vs_worst' } as const;

test('the best member has 1, the worst -1, all others 0', () => {
  expect(advantagesOf([2, 4, 1, 3])).toEqual([0, 1, -1, 0]);
});

test('of equal rewards the first is the best, the last the worst', () => {
  expect(advantagesOf([1, 0, 1, 0])).toEqual([1, 0, 0, -1]);
});

test('there is no pair where all are equal or one is alone', () => {
  expect(advantagesOf([1, 1, 1])).toEqual([0, 0, 0]);
  expect(advantagesOf([1])).toEqual([0]);
});

test('a pair is made of members that sampled a token', () => {
  const members = [scoredMember(9, []), scoredMember(2), scoredMember(1), scoredMember(-9, [[0]])];
  expect(memberAdvantages(bestVsWorst([members], settings))).toEqual([[0, 1, -1, 0]]);
});

/** One number a member of one group. */
function advantagesOf(rewards: readonly number[]): number[] {
  return memberAdvantages(bestVsWorst([rewards.map((reward) => scoredMember(reward))], settings)).flat();
}
