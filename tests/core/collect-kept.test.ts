import { describe, expect, it } from 'vitest';
import { collectKept } from '../../core/collect-kept.js';
import { filterGroupsConfig } from '../../core/group-filters/filter-groups.js';
import type { TrajectoryGroup } from '../../core/types.js';
import { groupOf, scoredOutcome } from '../helpers/outcomes.js';

const [telling, silent] = [
  [1, 0],
  [1, 1],
] as const;

type Rewards = readonly number[];

/** Rounds as scripted, the last one again and again; `asked` counts them. */
function scripted(...rounds: readonly (readonly Rewards[])[]) {
  const asked: number[] = [];
  async function* collect(round: number): AsyncGenerator<TrajectoryGroup> {
    asked.push(round);
    const groups = rounds[Math.min(round, rounds.length - 1)] ?? [];
    for (const [g, rewards] of groups.entries()) {
      const group = groupOf(...rewards.map((reward) => scoredOutcome(reward)));
      yield { ...group, task: { ...group.task, id: `${round}-${g}` } };
    }
  }
  return { asked, collect };
}

function kept(filter: object, count: number, { collect }: ReturnType<typeof scripted>) {
  return collectKept(collect, { filter: filterGroupsConfig.parse(filter), count });
}

const ids = (groups: readonly TrajectoryGroup[]): string[] => groups.map(({ task }) => task.id);
const dapo = { name: 'dapo', metric: 'score' };

describe('collecting groups', () => {
  it('without a filter is one round, and keeps all there are', async () => {
    const script = scripted([telling, silent, silent]);
    const { kept: all, dropped, rounds } = await kept({ name: 'none' }, 1, script);
    expect([ids(all), dropped, rounds, script.asked]).toEqual([['0-0', '0-1', '0-2'], [], 1, [0]]);
  });

  it('goes on until enough groups are kept, and says which were not', async () => {
    const script = scripted([silent, telling], [silent, silent], [telling, silent]);
    const collected = await kept(dapo, 2, script);
    expect(ids(collected.kept)).toEqual(['0-1', '2-0']);
    expect(ids(collected.dropped)).toEqual(['0-0', '1-0', '1-1', '2-1']);
    expect([collected.rounds, script.asked]).toEqual([3, [0, 1, 2]]);
  });

  it('drops what is more than enough', async () => {
    const collected = await kept(dapo, 2, scripted([silent, telling], [telling, telling]));
    expect(ids(collected.kept)).toEqual(['0-1', '1-0']);
    expect(ids(collected.dropped)).toEqual(['0-0', '1-1']);
  });

  it('stops at maxNumGenBatches with what it has, be it nothing', async () => {
    const script = scripted([telling, silent], [silent, silent]);
    const some = await kept({ ...dapo, maxNumGenBatches: 3 }, 2, script);
    expect([ids(some.kept), some.rounds, script.asked]).toEqual([['0-0'], 3, [0, 1, 2]]);
    const none = await kept({ ...dapo, maxNumGenBatches: 2 }, 1, scripted([silent]));
    expect([none.kept, none.rounds]).toEqual([[], 2]);
  });

  it('takes as many rounds as it needs where maxNumGenBatches is 0', async () => {
    const rounds = Array.from({ length: 30 }, () => [silent]);
    const collected = await kept({ ...dapo, maxNumGenBatches: 0 }, 1, scripted(...rounds, [telling]));
    expect([ids(collected.kept), collected.rounds]).toEqual([['30-0'], 31]);
  });

  it.each([
    { name: 'top_std', metric: 'score', keepShare: 0.5 },
    { name: 'snr', metric: 'score' },
  ])('is one round for $name, which compares the groups of a step', async (filter) => {
    const script = scripted([silent, telling]);
    const collected = await kept(filter, 2, script);
    expect([collected.rounds, script.asked]).toEqual([1, [0]]);
    expect([...collected.kept, ...collected.dropped]).toHaveLength(2);
    expect(ids(collected.kept)).toContain('0-1');
  });

  it('ends where there are no more tasks', async () => {
    const collected = await kept({ ...dapo, maxNumGenBatches: 0 }, 2, scripted([telling], []));
    expect([ids(collected.kept), collected.rounds]).toEqual([['0-0'], 2]);
  });
});
