import { expect, test } from 'vitest';
import { returnsToGo } from '../../../core/advantages/returns-to-go.js';
import { maskedSequence, memberOf } from '../../helpers/estimates.js';

const halved = { gamma: 0.5, carriesAcrossObservations: true } as const;
const cut = { gamma: 0.5, carriesAcrossObservations: false } as const;

test('a reward counts for every sampled token up to its own', () => {
  const member = memberOf([maskedSequence('0111', { rewards: [0, 1, 0, 2] })]);
  expect(returnsToGo(member)).toEqual([[0, 3, 2, 2]]);
});

test('an observation costs no discount and its rewards are not seen', () => {
  const member = memberOf([maskedSequence('10011', { rewards: [0, 8, 8, 0, 1] })]);
  expect(returnsToGo(member, halved)).toEqual([[0.25, 0, 0, 0.5, 1]]);
});

test('the return runs on into the next sequence', () => {
  const member = memberOf([maskedSequence('110'), maskedSequence('00'), maskedSequence('01', { rewards: [0, 1] })]);
  expect(returnsToGo(member, halved)).toEqual([
    [0.25, 0.5, 0],
    [0, 0],
    [0, 1],
  ]);
});

test('the return that is not carried begins anew before each observation', () => {
  const rewards = [0, 1, 0, 0, 2];
  const member = memberOf([maskedSequence('11011', { rewards }), maskedSequence('01', { rewards: [0, 4] })]);
  expect(returnsToGo(member, cut)).toEqual([
    [0.5, 1, 0, 1, 2],
    [0, 4],
  ]);
});

test('a member without sampled tokens has no returns', () => {
  expect(returnsToGo(memberOf([]))).toEqual([]);
  expect(returnsToGo(memberOf([maskedSequence('00'), maskedSequence('')]))).toEqual([[0, 0], []]);
});
