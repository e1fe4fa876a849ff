import { expect, test } from 'vitest';
import { grpo } from '../../../core/advantages/grpo.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

const withStd = { name: 'grpo', normAdvByStdInGrpo: true } as const;
const withoutStd = { name: 'grpo', normAdvByStdInGrpo: false } as const;

test('rewards 1, 0, 0, 1 have deviation 0.577350 and advantages ±0.866024', () => {
  const advantages = advantagesOf([1, 0, 0, 1], withStd);
  expectClose(advantages, [0.866024, -0.866024, -0.866024, 0.866024], { relative: 0, absolute: 1e-6 });
});

test('without the deviation an advantage is the distance from the mean', () => {
  expect(advantagesOf([1, 0, 0, 1], withoutStd)).toEqual([0.5, -0.5, -0.5, 0.5]);
});

test('tokens that were not sampled have advantage 0, in every sequence of a trajectory', () => {
  const [[first] = []] = grpo([[scoredMember(3, [[0, 1, 0, 1], [1, 0], []]), scoredMember(1)]], withoutStd);
  expect(first?.map(({ advantages }) => advantages)).toEqual([[0, 1, 0, 1], [1, 0], []]);
});

test('groups of different sizes do not see each other', () => {
  const [pair, triple] = [
    [1, 0].map((reward) => scoredMember(reward)),
    [5, 6, 7].map((reward) => scoredMember(reward)),
  ];
  const together = grpo([pair, triple], withStd);
  expect(together).toEqual([...grpo([pair], withStd), ...grpo([triple], withStd)]);
});

test('an empty group has no advantages and leaves its neighbours alone', () => {
  const pair = [1, 0].map((reward) => scoredMember(reward));
  expect(grpo([[], pair, []], withStd)).toEqual([[], ...grpo([pair], withStd), []]);
  expect(grpo([], withStd)).toEqual([]);
});

test('a group of one has mean 0 and deviation 1', () => {
  expect(advantagesOf([0.5], withoutStd)).toEqual([0.5]);
  expectClose(advantagesOf([0.5], withStd), [0.5], { relative: 2e-6, absolute: 0 });
});

test('equal rewards have advantage exactly 0', () => {
  expect(advantagesOf([0.1, 0.1, 0.1], withStd)).toEqual([0, 0, 0]);
  expect(advantagesOf([1e9, 1e9, 1e9, 1e9, 1e9], withStd)).toEqual([0, 0, 0, 0, 0]);
});

test('huge rewards keep advantages of the usual size', () => {
  expectClose(advantagesOf([1e12, -1e12], withStd), [Math.SQRT1_2, -Math.SQRT1_2], { relative: 1e-9, absolute: 0 });
});

test('reordering members reorders the advantages and nothing else', () => {
  const rewards = [0.3, -1.7, 2.2, 0.3, 1e-3];
  const expected = advantagesOf(rewards, withStd);
  expectClose(advantagesOf(rewards.toReversed(), withStd).reverse(), expected, { relative: 1e-12, absolute: 1e-15 });
});

/** One number a member of one group. */
function advantagesOf(rewards: readonly number[], settings: Parameters<typeof grpo>[1]): number[] {
  return grpo([rewards.map((reward) => scoredMember(reward))], settings)
    .flat(2)
    .flatMap(({ advantages }) => advantages);
}
