import type { FilterGroupsConfig } from './group-filters/filter-groups.js';
import { filterGroups } from './group-filters/filter-groups.js';
import type { TrajectoryGroup } from './types.js';

/** The groups of a step, parted into those to train on and those thrown away. */
export interface CollectedGroups {
  readonly kept: readonly TrajectoryGroup[];
  readonly dropped: readonly TrajectoryGroup[];
  /** Rounds of sampling it took. */
  readonly rounds: number;
}

/**
 * Collects a step's groups. Where a filter judges each group by itself, rounds of `collect` go on until `count` groups are kept or
 * there were `maxNumGenBatches` of them (dynamic sampling: DAPO, arXiv:2503.14476, section 3.2); what is kept beyond that is dropped.
 */
export async function collectKept(
  collect: (round: number) => AsyncIterable<TrajectoryGroup>,
  { filter, count }: { readonly filter: FilterGroupsConfig; readonly count: number },
): Promise<CollectedGroups> {
  const maxRounds = 'maxNumGenBatches' in filter ? filter.maxNumGenBatches || Number.POSITIVE_INFINITY : 1;
  const kept: TrajectoryGroup[] = [];
  const dropped: TrajectoryGroup[] = [];
  let rounds = 0;
  while (rounds === 0 || (kept.length < count && rounds < maxRounds)) {
    const groups: TrajectoryGroup[] = [];
    for await (const group of collect(rounds++)) groups.push(group);
    if (groups.length === 0) break;
    const filtered = filterGroups(filter, groups);
    kept.push(...filtered.kept);
    dropped.push(...filtered.dropped);
  }
  if (filter.name === 'none') return { kept, dropped, rounds };
  return { kept: kept.slice(0, count), dropped: [...dropped, ...kept.slice(count)], rounds };
}
