import { expect, test } from 'vitest';
import type { AdvantageEstimator } from '../../../core/advantages/advantage-estimator.js';
import { bestOfN } from '../../../core/advantages/best-of-n.js';
import { bestVsWorst } from '../../../core/advantages/best-vs-worst.js';
import { luffy } from '../../../core/advantages/luffy.js';
import { maxRl } from '../../../core/advantages/max-rl.js';
import { winRate } from '../../../core/advantages/win-rate.js';
import { advantagesIn, memberAdvantages } from '../../helpers/estimated.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

/** What all estimators keep to that give a member one number from the rewards of its group. */
const estimators: readonly [string, AdvantageEstimator<unknown>][] = [
  ['luffy', (groups) => luffy(groups, { name: 'luffy' })],
  ['max_rl', (groups) => maxRl(groups, { name: 'max_rl' })],
  ['win_rate', (groups) => winRate(groups, { name: 'win_rate' })],
  ['best_of_n', (groups) => bestOfN(groups, { name: 'best_of_n', k: 1, threshold: null })],
  ['best_vs_worst', (groups) => bestVsWorst(groups, { name: 'best_vs_worst' })],
];

test.each(estimators)('%s gives all sampled tokens of all sequences the same, and the rest 0', (_, estimate) => {
  const [[first = []] = []] = estimate([[scoredMember(3, [[0, 1, 1], [], [1, 0]]), scoredMember(1)]], {});
  const advantage = first[0]?.advantages[1] ?? 0;
  expect(advantage).toBeGreaterThan(0);
  expect(first.map(({ advantages }) => advantages)).toEqual([[0, advantage, advantage], [], [advantage, 0]]);
  expect(first.map(({ returns }) => returns)).toEqual(first.map(({ advantages }) => advantages));
});

test.each(estimators)('%s sees no other group, and nothing in an empty one', (_, estimate) => {
  const pair = [1, 0].map((reward) => scoredMember(reward));
  const triple = [5, 6, 7].map((reward) => scoredMember(reward));
  expect(estimate([pair, [], triple], {})).toEqual([...estimate([pair], {}), [], ...estimate([triple], {})]);
  expect(estimate([], {})).toEqual([]);
});

test.each(estimators)('%s follows the members when distinct rewards change places', (_, estimate) => {
  const rewards = [0.25, 1, 0, 0.5];
  const backwards = estimate([rewards.toReversed().map((reward) => scoredMember(reward))], {});
  const forwards = estimate([rewards.map((reward) => scoredMember(reward))], {});
  expectClose(advantagesIn(backwards).reverse(), advantagesIn(forwards), { relative: 1e-12, absolute: 1e-15 });
});

test.each(estimators)('%s bears members without sequences and without sampled tokens', (_, estimate) => {
  const [members = []] = estimate([[scoredMember(1, []), scoredMember(0, [[0, 0]]), scoredMember(0.5)]], {});
  expect(members[0]).toEqual([]);
  expect(members[1]?.[0]?.advantages).toEqual([0, 0]);
  expect(members[2]?.[0]?.advantages.every(Number.isFinite)).toBe(true);
});

test.each(estimators.filter(([name]) => name !== 'best_of_n'))(
  '%s has nothing to say of equal rewards',
  (_, estimate) => {
    const equal = [0.1, 0.1, 0.1].map((reward) => scoredMember(reward));
    expect(memberAdvantages(estimate([equal], {}))).toEqual([[0, 0, 0]]);
  },
);
