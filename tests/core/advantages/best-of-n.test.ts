import { expect, test } from 'vitest';
import { bestOfN, bestOfNSettings } from '../../../core/advantages/best-of-n.js';
import { memberAdvantages } from '../../helpers/estimated.js';
import { scoredMember } from '../../helpers/scored-members.js';

test('the k best members have advantage 1, the others 0', () => {
  expect(advantagesOf([1, 4, 2, 3])).toEqual([0, 1, 0, 0]);
  expect(advantagesOf([1, 4, 2, 3], { k: 2 })).toEqual([0, 1, 0, 1]);
});

test('a group smaller than k is taken whole', () => {
  expect(advantagesOf([1, 0], { k: 5 })).toEqual([1, 1]);
  expect(advantagesOf([0])).toEqual([1]);
});

test('of equal rewards the earlier members are taken', () => {
  expect(advantagesOf([0, 1, 1, 1], { k: 2 })).toEqual([0, 1, 1, 0]);
});

test('nothing is learned from rewards below the threshold', () => {
  expect(advantagesOf([0.4, 0.5, 1], { k: 3, threshold: 0.5 })).toEqual([0, 1, 1]);
  expect(advantagesOf([0, 0, 0], { threshold: 1 })).toEqual([0, 0, 0]);
});

test("a member without a sampled token takes nobody else's place", () => {
  const members = [scoredMember(9, [[0]]), scoredMember(9, []), scoredMember(1), scoredMember(0)];
  expect(memberAdvantages(bestOfN([members], { name: 'best_of_n', k: 1, threshold: null }))).toEqual([[0, 0, 1, 0]]);
});

test.each([{ k: 0 }, { k: 1.5 }, { threshold: 'high' }])('the settings refuse %o', (given) => {
  expect(bestOfNSettings.safeParse({ name: 'best_of_n', ...given }).success).toBe(false);
});

/** One number a member of one group. */
function advantagesOf(rewards: readonly number[], given: { readonly k?: number; readonly threshold?: number } = {}) {
  const settings = bestOfNSettings.parse({ name: 'best_of_n', ...given });
  return memberAdvantages(bestOfN([rewards.map((reward) => scoredMember(reward))], settings)).flat();
}
