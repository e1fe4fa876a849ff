import { z } from 'zod';
import type { TrajectoryGroup } from '../types.js';
import { accuracyBand, accuracyBandSettings } from './accuracy-band.js';
import { dapoFilter, dapoFilterSettings } from './dapo.js';
import { snr, snrSettings } from './snr.js';
import { topStd, topStdSettings } from './top-std.js';

// The table of group filters: a new one is a file beside these, a member of the union and a case below.

const rounds = {
  maxNumGenBatches: z
    .number()
    .int()
    .min(0)
    .default(10)
    .describe('rounds of sampling for one step, which then trains on the groups it has; 0 = as many as it takes'),
};

export const filterGroupsConfig = z
  .discriminatedUnion('name', [
    z.strictObject({ name: z.literal('none') }),
    dapoFilterSettings.extend(rounds),
    accuracyBandSettings.extend(rounds),
    topStdSettings,
    snrSettings,
  ])
  .superRefine((settings, context) => {
    if (settings.name !== 'accuracy_band' || settings.lower <= settings.upper) return;
    context.addIssue({ code: 'custom', path: ['upper'], message: `raise it to lower, ${settings.lower}, or more` });
  });
export type FilterGroupsConfig = z.output<typeof filterGroupsConfig>;

export interface FilteredGroups {
  readonly kept: readonly TrajectoryGroup[];
  readonly dropped: readonly TrajectoryGroup[];
}

/**
 * Parts a step's groups into those worth training on and the rest, each in the order they came. `none` keeps all.
 * Throws ConfigError when the rewards do not have the metric.
 */
export function filterGroups(settings: FilterGroupsConfig, groups: readonly TrajectoryGroup[]): FilteredGroups {
  const isKept = keptBy(settings, groups);
  return { kept: groups.filter((_, g) => isKept[g]), dropped: groups.filter((_, g) => !isKept[g]) };
}

function keptBy(settings: FilterGroupsConfig, groups: readonly TrajectoryGroup[]): readonly boolean[] {
  switch (settings.name) {
    case 'none':
      return groups.map(() => true);
    case 'dapo':
      return dapoFilter(groups, settings);
    case 'accuracy_band':
      return accuracyBand(groups, settings);
    case 'top_std':
      return topStd(groups, settings);
    case 'snr':
      return snr(groups, settings);
    default:
      return settings satisfies never;
  }
}
