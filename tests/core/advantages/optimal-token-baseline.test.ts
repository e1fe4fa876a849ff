import { describe, expect, test } from 'vitest';
import { optimalTokenBaseline } from '../../../core/advantages/optimal-token-baseline.js';
import { tirOptimalTokenBaseline } from '../../../core/advantages/tir-optimal-token-baseline.js';
import { expectOrderInvariance, flatEstimates, maskedSequence, memberOf } from '../../helpers/estimates.js';
import { expectClose } from '../../helpers/expect-close.js';

const byPlace = { name: 'optimal_token_baseline', handleZeroTail: false } as const;
const byOrder = { name: 'tir_optimal_token_baseline', handleZeroTail: false } as const;
const twelve = { relative: 1e-12, absolute: 0 } as const;

describe.each([
  [
    'by place',
    (groups: Groups, handleZeroTail = false) => optimalTokenBaseline(groups, { ...byPlace, handleZeroTail }),
  ],
  [
    'by order',
    (groups: Groups, handleZeroTail = false) => tirOptimalTokenBaseline(groups, { ...byOrder, handleZeroTail }),
  ],
])('aligned %s', (_, estimate) => {
  test('a baseline is the mean of returns by energy: (4 · 1/2 + 1 · 1) / (1/2 + 1) = 2', () => {
    const estimates = estimate([[steady('1', 4, 0.5), steady('1', 1, 1)]]);
    expectClose(flatEstimates(estimates), [2, -1], twelve);
    expect(flatEstimates(estimates, 'returns')).toEqual([4, 1]);
  });

  test('energy adds up along a member: 1 then 2 against 1/2 then 1, so both tokens have the same baseline', () => {
    const estimates = estimate([[steady('11', 3, 1), steady('11', 0, 0.5)]]);
    expectClose(flatEstimates(estimates), [1, 1, -2, -2], twelve);
  });

  test('importance weights count squared', () => {
    const light = memberOf([{ ...steady('1', 4, 1).sequences[0]!, rolloutIsWeights: [0.5] }]);
    expectClose(flatEstimates(estimate([[light, steady('1', 1, 1)]])), [2.4, -0.6], twelve);
  });

  test('energy is 1 - 2π + Σπ²', () => {
    const sequence = { rewards: [1], oldLogprobs: [Math.log(0.5)], sumPiSquared: [0.3] };
    const member = memberOf([maskedSequence('1', sequence)]);
    expectClose(flatEstimates(estimate([[member, steady('1', 0, 0.7)]])), [0.7, -0.3], twelve);
  });

  test('beyond the second longest the longest is its own baseline, or has none', () => {
    const groups = [[steady('111', 2, 1), steady('1', 2, 1)]];
    expect(flatEstimates(estimate(groups))).toEqual([0, 0, 0, 0]);
    expect(flatEstimates(estimate(groups, true))).toEqual([0, 2, 2, 0]);
  });

  test('two longest members have no tail', () => {
    const groups = [[steady('11', 2, 1), steady('11', 2, 1), steady('1', 2, 1)]];
    expect(flatEstimates(estimate(groups, true))).toEqual([0, 0, 0, 0, 0]);
  });

  test('a member alone with its tokens has no baseline', () => {
    expect(flatEstimates(estimate([[steady('11', 2, 1)]]))).toEqual([2, 2]);
    expect(flatEstimates(estimate([[steady('11', 2, 1), memberOf([]), steady('0', 0, 1)]]))).toEqual([2, 2, 0]);
    expect(estimate([[], [memberOf([])]])).toEqual([[], [[]]]);
  });

  test('equal returns have advantage exactly 0; members of no energy have no baseline', () => {
    expect(flatEstimates(estimate([[steady('1', 0.1, 0.3), steady('1', 0.1, 0.7), steady('1', 0.1, 0.9)]]))).toEqual([
      0, 0, 0,
    ]);
    expect(flatEstimates(estimate([[steady('1', 3, 0), steady('1', 1, 0)]]))).toEqual([3, 1]);
  });

  test('order does not matter', () => {
    const groups = [[steady('1101', 2, 0.3), steady('11', 1, 0.9), steady('10011', 0, 0.5)], [], [steady('1', 1, 1)]];
    expectOrderInvariance((given) => estimate(given, true), groups);
  });

  test('a sampled token without Σπ² is a broken invariant', () => {
    expect(() => estimate([[memberOf([maskedSequence('01')])]])).toThrow('token 1 has -1 and undefined');
  });
});

describe('observations', () => {
  const groups = [[steady('1011', 3, 1), steady('111', 0, 1)]];

  test('count as places of the response: the second token of one stands beside the third of the other', () => {
    // Energies 1, -, 2, 3 and 1, 2, 3: baselines 3/2, 0, 6/5 and, for the longest alone, 3.
    const expected = [1.5, 0, 1.8, 0, -1.5, 0, -1.2];
    expectClose(flatEstimates(optimalTokenBaseline(groups, byPlace)), expected, { relative: 1e-12, absolute: 1e-12 });
  });

  test('do not count where tokens are aligned by order: all baselines are 3/2', () => {
    const expected = [1.5, 0, 1.5, 1.5, -1.5, -1.5, -1.5];
    expectClose(flatEstimates(tirOptimalTokenBaseline(groups, byOrder)), expected, twelve);
  });

  test('a prompt is no part of the response, in any of the sequences', () => {
    const whole = [[steady('11', 3, 1), steady('11', 0, 1)]];
    const parts = [[memberOf(['001', '0001'].map((mask, s) => calm(mask, [0, 3][s] ?? 0, 1))), steady('011', 0, 1)]];
    const sampled = flatEstimates(optimalTokenBaseline(parts, byPlace)).filter((value) => value !== 0);
    expect(sampled).toEqual(flatEstimates(optimalTokenBaseline(whole, byPlace)));
  });
});

type Groups = Parameters<typeof optimalTokenBaseline>[0];

/** A member whose tokens have the given energy each and whose reward lies at its last sampled token. */
function steady(mask: string, reward: number, energy: number) {
  return memberOf([calm(mask, reward, energy)]);
}

/** π = 1/2, so Σπ² is the energy. */
function calm(mask: string, reward: number, energy: number) {
  const tokens = [...mask];
  return maskedSequence(mask, {
    rewards: tokens.map((_, t) => (t === mask.lastIndexOf('1') ? reward : 0)),
    oldLogprobs: tokens.map(() => Math.log(0.5)),
    sumPiSquared: tokens.map(() => energy),
  });
}
