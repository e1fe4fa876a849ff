import { expect, test } from 'vitest';
import { whitenAdvantages, whitenOutcomes } from '../../../core/advantages/whiten.js';
import { flatEstimates } from '../../helpers/estimates.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

test('values 1, 2, 3 of one token each have mean 2 and deviation 1', () => {
  const groups = [[scoredMember(0), scoredMember(0)], [scoredMember(0)]];
  const whitened = whitenOutcomes(groups, [[1, 2], [3]]);
  expectClose(flatEstimates(whitened), [-1, 0, 1], { relative: 1e-8, absolute: 0 });
  expect(flatEstimates(whitened, 'returns')).toEqual(flatEstimates(whitened));
});

test('a member counts once for each of its sampled tokens', () => {
  const groups = [[scoredMember(0, [[1, 0, 1], [1]]), scoredMember(0)]];
  const [long] = flatEstimates(whitenOutcomes(groups, [[1, 5]]));
  expectClose([long ?? 0], [-1 / 2], { relative: 1e-8, absolute: 0 });
});

test('what lies at tokens that were not sampled has no part and becomes 0; returns stay', () => {
  const groups = [[scoredMember(0, [[0, 1, 0, 1]])]];
  const raw = [[[{ advantages: [99, 1, -99, 3], returns: [4, 5, 6, 7] }]]];
  const [[[row] = []] = []] = whitenAdvantages(groups, raw);
  expectClose(row?.advantages ?? [], [0, -Math.SQRT1_2, 0, Math.SQRT1_2], { relative: 1e-8, absolute: 0 });
  expect(row?.returns).toEqual([4, 5, 6, 7]);
});

test('one sampled token, or equal ones, have advantage 0', () => {
  expect(flatEstimates(whitenOutcomes([[scoredMember(0)]], [[7]]))).toEqual([0]);
  expect(flatEstimates(whitenOutcomes([[scoredMember(0, [[1, 1, 1]])]], [[0.1]]))).toEqual([0, 0, 0]);
});

test('nothing stays nothing', () => {
  expect(whitenOutcomes([], [])).toEqual([]);
  expect(whitenOutcomes([[], [scoredMember(0, [])], [scoredMember(0, [[0, 0]])]], [[], [1], [2]])).toEqual([
    [],
    [[]],
    [[{ advantages: [0, 0], returns: [0, 0] }]],
  ]);
});
