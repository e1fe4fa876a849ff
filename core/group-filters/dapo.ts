import { z } from 'zod';
import type { GroupFilter } from './group-filter.js';
import { groupMetric, metricsOf } from './group-metric.js';

export const dapoFilterSettings = z.strictObject({ name: z.literal('dapo'), metric: groupMetric });

/** DAPO (arXiv:2503.14476, section 3.2), dynamic sampling: keeps groups whose metric is not the same for all, and groups of one. */
export const dapoFilter: GroupFilter<z.output<typeof dapoFilterSettings>> = (groups, { metric }) =>
  groups.map((group) => {
    const values = metricsOf(group, metric);
    return values.length === 1 || values.some((value) => value !== values[0]);
  });
