import { expect, test } from 'vitest';
import { filterGroups, filterGroupsConfig } from '../../../core/group-filters/filter-groups.js';
import type { Outcome, TrajectoryGroup } from '../../../core/types.js';
import { exampleGroup, exampleTrajectory } from '../../helpers/trajectories.js';

/** A group whose members have these rewards, with a part `acc` of half of each; one more failed. */
function groupOf(rewards: readonly number[]): TrajectoryGroup {
  const scored = rewards.map((value): Outcome => {
    const trajectory = exampleTrajectory({ reward: { value, parts: { acc: value / 2 } } });
    return { status: 'scored', trajectory };
  });
  const { task, outcomes } = exampleGroup();
  return { task, outcomes: [...scored, ...outcomes.filter(({ status }) => status === 'failed')] };
}

/** Which of the groups are kept. */
function kept(settings: object, rewards: readonly (readonly number[])[]): number[] {
  const groups = rewards.map(groupOf);
  const result = filterGroups(filterGroupsConfig.parse(settings), groups);
  expect([...result.kept, ...result.dropped]).toHaveLength(groups.length);
  return result.kept.map((group) => groups.indexOf(group));
}

test('none keeps everything, even where nothing was scored', () => {
  expect(kept({ name: 'none' }, [[], [1, 1], [0, 1]])).toEqual([0, 1, 2]);
});

test('dapo keeps groups of one and those whose rewards differ', () => {
  expect(kept({ name: 'dapo' }, [[1, 1, 1], [0, 1, 1], [], [0.5], [0.1, 0.1]])).toEqual([1, 3]);
});

test('accuracy_band keeps groups of middling mean, its bounds included', () => {
  const rewards = [[0, 0], [0, 0, 0, 0, 1], [0, 1], [1, 1, 1, 1, 0], [1, 1], []];
  expect(kept({ name: 'accuracy_band' }, rewards)).toEqual([1, 2, 3]);
  expect(kept({ name: 'accuracy_band', lower: 0.5, upper: 1 }, rewards)).toEqual([2, 3, 4]);
});

test('a metric may be a part of the reward', () => {
  expect(
    kept({ name: 'accuracy_band', metric: 'acc' }, [
      [1, 1],
      [0, 0.2],
      [2, 2],
    ]),
  ).toEqual([0]);
});

test('top_std keeps the share that varies most, at least one, in the order they came', () => {
  const rewards = [[0, 0.5], [1, 1], [0, 1], [0, 2], [], [3]];
  expect(kept({ name: 'top_std', keepShare: 0.5 }, rewards)).toEqual([2, 3]);
  expect(kept({ name: 'top_std', keepShare: 0.01 }, rewards)).toEqual([3]);
  expect(kept({ name: 'top_std', keepShare: 1 }, rewards)).toEqual([0, 1, 2, 3, 5]);
  expect(kept({ name: 'top_std' }, [])).toEqual([]);
});

test('snr keeps the fewest groups that hold the share of all deviation, and none without any', () => {
  const rewards = [[0, 1], [0, 6], [2, 2], [0, 3], []];
  expect(kept({ name: 'snr' }, rewards)).toEqual([1, 3]);
  expect(kept({ name: 'snr', topP: 1, eps: 0 }, rewards)).toEqual([0, 1, 3]);
  expect(kept({ name: 'snr', topP: 0.1 }, rewards)).toEqual([1]);
  expect(kept({ name: 'snr' }, [[1, 1], [0]])).toEqual([]);
});

test('a metric that no reward has is a mistake of the config, with those there are', () => {
  const settings = filterGroupsConfig.parse({ name: 'dapo', metric: 'accuracy' });
  expect(() => filterGroups(settings, [groupOf([1, 0])])).toThrow(
    'filterGroups.metric is accuracy, which no reward has; choose from score, seq_reward, seq_final_reward, acc',
  );
});

test('bounds in the wrong order are refused with what to write', () => {
  const { error } = filterGroupsConfig.safeParse({ name: 'accuracy_band', lower: 0.9 });
  expect(error?.issues).toMatchObject([{ path: ['upper'], message: 'raise it to lower, 0.9, or more' }]);
});
