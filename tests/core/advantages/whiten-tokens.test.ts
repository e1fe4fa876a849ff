import { expect, test } from 'vitest';
import { whitenTokens } from '../../../core/advantages/whiten-tokens.js';
import { workedTolerance } from '../../helpers/estimated.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

test('sampled tokens of the whole batch have mean 0 and unbiased variance 1, all others are 0', () => {
  const groups = [[scoredMember(0, [[1, 0, 1], []])], [scoredMember(0, [[1]]), scoredMember(0, [])]];
  const white = whitenTokens(groups, [[[[1, 99, 2], []]], [[[3]], []]]);
  // 1, 2, 3 have mean 2 and variance (1 + 0 + 1) / 2
  expectClose(white.flat(3), [-1, 0, 0, 1], workedTolerance);
  expect(white.map((members) => members.map((sequences) => sequences.map(({ length }) => length)))).toEqual([
    [[3, 0]],
    [[1], []],
  ]);
});

test('equal numbers become exactly 0, as does one alone', () => {
  const group = [scoredMember(0, [[1, 1]]), scoredMember(0, [[1]])];
  expect(whitenTokens([group], [[[[0.1, 0.1]], [[0.1]]]])).toEqual([[[[0, 0]], [[0]]]]);
  expect(whitenTokens([[scoredMember(0)]], [[[[7]]]])).toEqual([[[[0]]]]);
  expect(whitenTokens([], [])).toEqual([]);
});

test('numbers below the epsilon stay small: 1e-8 is added to the variance', () => {
  // ±1e-5: variance 2e-10, deviation sqrt(1.02e-8)
  const white = whitenTokens([[scoredMember(0, [[1, 1]])]], [[[[1e-5, -1e-5]]]]);
  expectClose(white.flat(3), [0.0990148, -0.0990148], workedTolerance);
});
