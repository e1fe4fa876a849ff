import { expect, test } from 'vitest';
import { opo } from '../../../core/advantages/opo.js';
import { expectOrderInvariance, flatEstimates, maskedSequence, memberOf } from '../../helpers/estimates.js';
import { scoredMember } from '../../helpers/scored-members.js';

const settings = { name: 'opo' } as const;

test('rewards 3, 1, 0, 2 with lengths 2, 4, 4, 6 have baseline 1.375', () => {
  const members = [scored(3, '11'), scored(1, '1111'), scored(0, '1111'), scored(2, '111111')];
  const firsts = opo([members], settings)[0]?.map(([sequence]) => sequence?.advantages[0]);
  expect(firsts).toEqual([1.625, -0.375, -1.375, 0.625]);
});

test('observations have no length, and the sequences of a member are one', () => {
  const members = [scored(4, '1001'), memberOf([maskedSequence('11'), maskedSequence('0110')], { reward: 1 })];
  const [first, second] = opo([members], settings)[0] ?? [];
  expect(first?.[0]?.advantages).toEqual([2, 0, 0, 2]);
  expect(second?.map(({ advantages }) => advantages)).toEqual([
    [-1, -1],
    [0, -1, -1, 0],
  ]);
});

test('a member without tokens has no weight', () => {
  expect(flatEstimates(opo([[scored(1, '1'), scored(9, '00'), scoredMember(9, [])]], settings))).toEqual([0, 0, 0]);
  expect(opo([[scoredMember(9, []), scoredMember(3, [])]], settings)).toEqual([[[], []]]);
});

test('a group of one keeps its reward; equal rewards have advantage exactly 0', () => {
  expect(flatEstimates(opo([[scored(0.5, '1')]], settings))).toEqual([0.5]);
  expect(flatEstimates(opo([[scored(0.1, '1'), scored(0.1, '11'), scored(0.1, '1')]], settings))).toEqual([0, 0, 0, 0]);
});

test('order does not matter, and empty groups stay empty', () => {
  expectOrderInvariance(
    (groups) => opo(groups, settings),
    [[scored(3, '11'), scored(1, '1011'), scored(0.3, '1')], [], [scored(2, '1')]],
  );
});

function scored(reward: number, mask: string) {
  return memberOf([maskedSequence(mask)], { reward });
}
