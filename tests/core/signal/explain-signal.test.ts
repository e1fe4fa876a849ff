import { expect, test } from 'vitest';
import { explainSignal } from '../../../core/signal/explain-signal.js';
import { groupSignal } from '../../../core/signal/group-signal.js';
import { experienceOf } from '../../helpers/experience.js';
import { failed, groupView, scored } from '../../helpers/group-views.js';

test('a group with an advantage on a sampled token learns', () => {
  const signal = groupSignal(groupView([scored(1), scored(0)], [0.5, -0.5]));
  expect(signal).toEqual({ taskId: 'sum-1', reason: 'learns', rewardMean: 0.5, rewardStd: 0.5, scored: 2, size: 2 });
});

test('equal rewards are named, and advantages that are rounding do not hide them', () => {
  expect(groupSignal(groupView([scored(1), scored(1)], [0, 0])).reason).toBe('all_equal');
  expect(groupSignal(groupView([scored(0.1), scored(0.1)], [1e-11, -1e-11])).reason).toBe('all_equal');
  expect(groupSignal(groupView([scored(0)], [0])).reason).toBe('all_equal');
});

test('an advantage that is not a number is no reason to call a group flat', () => {
  expect(groupSignal(groupView([scored(1), scored(1)], [Number.NaN, 0])).reason).toBe('learns');
});

test('an advantage on an unsampled token teaches nothing', () => {
  const sequences = [{ advantages: [1, 0], mask: [0, 1] }] as const;
  expect(groupSignal(groupView([scored(1), scored(1)], [], { sequences })).reason).toBe('all_equal');
});

test('a group of which every member was cut off is truncated, by the budget that cut most', () => {
  const outcomes = [scored(0, 'max_turns'), scored(0, 'max_context'), scored(0, 'max_turns')];
  expect(groupSignal(groupView(outcomes, [0, 0, 0]))).toMatchObject({
    reason: 'truncated',
    truncatedBy: 'max_turns',
  });
});

test('one member that ended by itself makes equal rewards the reason', () => {
  const outcomes = [scored(0, 'max_turns'), scored(0)];
  expect(groupSignal(groupView(outcomes, [0, 0])).reason).toBe('all_equal');
});

test('a truncated group whose rewards differ still learns', () => {
  const outcomes = [scored(1, 'max_turns'), scored(0, 'max_turns')];
  expect(groupSignal(groupView(outcomes, [0.5, -0.5])).reason).toBe('learns');
});

test('a group whose sampled tokens were all masked is truncated', () => {
  const sequences = [{ advantages: [1, 1], mask: [0, 0] }] as const;
  expect(groupSignal(groupView([scored(1), scored(0)], [], { sequences })).reason).toBe('truncated');
});

test('a group that lost all members but one, or all, has failed', () => {
  const lost = groupSignal(groupView([failed('deadline'), failed('sandbox_died'), failed('sandbox_died')], []));
  expect(lost).toMatchObject({ reason: 'failed', failedWith: 'sandbox_died', scored: 0, size: 3 });
  expect(lost.rewardMean).toBeNaN();
  expect(groupSignal(groupView([scored(0, 'max_turns'), failed('deadline')], [0])).reason).toBe('failed');
});

test('a single scored member that has an advantage learns', () => {
  expect(groupSignal(groupView([scored(1), failed('deadline')], [1])).reason).toBe('learns');
});

test('a group that was thrown away is stale or filtered, whatever is in it', () => {
  const outcomes = [scored(1), scored(1)];
  expect(groupSignal(groupView(outcomes, [], { isFiltered: true })).reason).toBe('filtered');
  expect(groupSignal(groupView(outcomes, [1], { isStale: true, isFiltered: true })).reason).toBe('stale');
});

test('a step counts its groups by reason, as numbers and as shares', () => {
  const { metrics, signals } = explainSignal([
    groupView([scored(1), scored(0)], [0.5, -0.5]),
    groupView([scored(1), scored(1)], [0, 0]),
    groupView([scored(0), scored(0)], [0, 0]),
    groupView([failed('deadline')], []),
  ]);
  expect(signals.map(({ reason }) => reason)).toEqual(['learns', 'all_equal', 'all_equal', 'failed']);
  expect(metrics).toMatchObject({
    'signal/groups_learning': 1,
    'signal/groups_learning_share': 0.25,
    'signal/groups_all_equal': 2,
    'signal/groups_all_equal_share': 0.5,
    'signal/groups_failed_share': 0.25,
    'signal/groups_truncated': 0,
    'signal/groups_stale': 0,
    'signal/groups_filtered_share': 0,
  });
  expect(metrics['signal/reward_std']).toBeCloseTo(0.5 / 3, 12);
});

test('a step without groups has finite metrics', () => {
  const { metrics, signals } = explainSignal([]);
  expect(signals).toEqual([]);
  expect(metrics).toMatchObject({ 'signal/groups_learning': 0, 'signal/groups_learning_share': 0 });
  expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
});

test("GRPO's advantages of unequal rewards learn and of equal ones do not", async () => {
  const reasonOf = async (rewards: readonly number[]) => {
    const { group } = groupView(
      rewards.map((reward) => scored(reward)),
      [],
    );
    const { sequences } = await experienceOf([group]);
    return groupSignal({ group, sequences }).reason;
  };
  expect(await reasonOf([0.1, 0.1, 0.1])).toBe('all_equal');
  expect(await reasonOf([0, 0, 0.1])).toBe('learns');
});
