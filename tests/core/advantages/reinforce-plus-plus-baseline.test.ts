import { expect, test } from 'vitest';
import { reinforcePlusPlusBaseline } from '../../../core/advantages/reinforce-plus-plus-baseline.js';
import { expectOrderInvariance, flatEstimates } from '../../helpers/estimates.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

const settings = { name: 'reinforce_plus_plus_baseline' } as const;
const relative = { relative: 1e-6, absolute: 0 } as const;

test("distances ±1 and ±3 from the groups' means are whitened together, their deviation being √(20/3)", () => {
  const groups = [
    [scoredMember(3), scoredMember(1)],
    [scoredMember(10), scoredMember(4)],
  ];
  const estimates = reinforcePlusPlusBaseline(groups, settings);
  const unit = 1 / Math.sqrt(20 / 3);
  expectClose(flatEstimates(estimates), [unit, -unit, 3 * unit, -3 * unit], relative);
  expect(flatEstimates(estimates, 'returns')).toEqual(flatEstimates(estimates));
});

test('long members weigh more in the whitening, observations nothing', () => {
  const groups = [[scoredMember(1, [[1, 0, 1], [1]]), scoredMember(-1)]];
  expectClose(flatEstimates(reinforcePlusPlusBaseline(groups, settings)), [0.5, 0, 0.5, 0.5, -1.5], relative);
});

test('a group of one has mean 0', () => {
  const estimates = reinforcePlusPlusBaseline([[scoredMember(1)], [scoredMember(-1)]], settings);
  expectClose(flatEstimates(estimates), [Math.SQRT1_2, -Math.SQRT1_2], relative);
});

test('equal rewards in every group have advantage exactly 0', () => {
  const groups = [
    [0.1, 0.1, 0.1],
    [7, 7],
  ].map((rewards) => rewards.map((reward) => scoredMember(reward)));
  expect(flatEstimates(reinforcePlusPlusBaseline(groups, settings))).toEqual([0, 0, 0, 0, 0]);
});

test('a member without sequences counts in the mean alone', () => {
  const groups = [
    [scoredMember(4, []), scoredMember(1), scoredMember(1)],
    [scoredMember(1), scoredMember(-1)],
  ];
  const [, , third = 0] = flatEstimates(reinforcePlusPlusBaseline(groups, settings));
  expect(third).toBeGreaterThan(1);
});

test('order does not matter, and nothing stays nothing', () => {
  const groups = [[3, 1, 2], [], [5, 0]].map((rewards) => rewards.map((reward) => scoredMember(reward, [[1, 0, 1]])));
  expectOrderInvariance((given) => reinforcePlusPlusBaseline(given, settings), groups);
  expect(reinforcePlusPlusBaseline([[], [scoredMember(1, [])]], settings)).toEqual([[], [[]]]);
});
