import { expect, test } from 'vitest';
import { gae } from '../../../core/advantages/gae.js';
import { expectOrderInvariance, flatEstimates, maskedSequence, memberOf } from '../../helpers/estimates.js';
import { expectClose } from '../../helpers/expect-close.js';

const settings = { name: 'gae', gamma: 1, lam: 0.95 } as const;
const rewards = [0, 0, 0, 0, 1];
const gap = maskedSequence('11001', { rewards, values: [0.5, 0.4, 9, 9, 0.6] });
const six = { relative: 0, absolute: 1e-6 } as const;

test('an observation is stepped over: advantages 0.451, 0.58, 0.4 before they are whitened', () => {
  const estimates = gae([[memberOf([gap])]], settings);
  expectClose(flatEstimates(estimates, 'returns'), [0.951, 0.98, 0, 0, 1], six);
  expectClose(flatEstimates(estimates), [-0.280251, 1.110225, 0, 0, -0.829974], six);
});

test("an observation's values and rewards change nothing", () => {
  const noisy = { ...gap, values: [0.5, 0.4, -7, 3, 0.6], rewards: [0, 0, 5, 5, 1] };
  expect(gae([[memberOf([noisy])]], settings)).toEqual(gae([[memberOf([gap])]], settings));
});

test('a sequence goes on into the next one of its member', () => {
  const split = [
    maskedSequence('011', { rewards: [0, 0, 0], values: [9, 0.5, 0.4] }),
    maskedSequence('0'),
    maskedSequence('01', { rewards: [0, 1], values: [9, 0.6] }),
  ];
  expectClose(flatEstimates(gae([[memberOf(split)]], settings), 'returns'), [0, 0.951, 0.98, 0, 0, 1], six);
});

test('discounts: γ = 0.5 and λ = 0 leave r + γ V - V', () => {
  const sequence = maskedSequence('11', { rewards: [1, 2], values: [3, 4] });
  const estimates = gae([[memberOf([sequence])]], { ...settings, gamma: 0.5, lam: 0 });
  expect(flatEstimates(estimates, 'returns')).toEqual([3, 2]);
});

test('members and groups share nothing but the whitening', () => {
  const other = memberOf([maskedSequence('1', { rewards: [3], values: [1] })]);
  const together = gae([[memberOf([gap]), other], [other]], settings);
  expectClose(flatEstimates(together, 'returns'), [0.951, 0.98, 0, 0, 1, 3, 3], six);
  expectOrderInvariance((groups) => gae(groups, settings), [[memberOf([gap]), other], [other]]);
});

test('one sampled token has advantage 0 and keeps its return; none has neither', () => {
  const one = memberOf([maskedSequence('01', { rewards: [0, 2], values: [0, 0.5] })]);
  expect(gae([[one]], settings)).toEqual([[[{ advantages: [0, 0], returns: [0, 2] }]]]);
  expect(gae([[], [memberOf([])]], settings)).toEqual([[], [[]]]);
});

test('a sampled token without a value is a broken invariant', () => {
  expect(() => gae([[memberOf([maskedSequence('01', { values: [0] })])]], settings)).toThrow('token 1 has none');
  expect(() => gae([[memberOf([maskedSequence('1')])]], settings)).toThrow('gae needs a value');
});
