import { z } from 'zod';
import type { GroupFilter } from './group-filter.js';
import { groupMean, groupMetric } from './group-metric.js';

export const accuracyBandSettings = z.strictObject({
  name: z.literal('accuracy_band'),
  metric: groupMetric,
  lower: z.number().default(0.2).describe('smallest mean of a group that is kept'),
  upper: z.number().default(0.8).describe('largest mean of a group that is kept'),
});

/** PRIME (arXiv:2502.01456, online prompt filtering): keeps tasks of middling difficulty, whose mean metric lies in [lower, upper]. */
export const accuracyBand: GroupFilter<z.output<typeof accuracyBandSettings>> = (groups, { metric, lower, upper }) =>
  groups.map((group) => {
    const mean = groupMean(group, metric);
    return mean !== undefined && mean >= lower && mean <= upper;
  });
