import { z } from 'zod';
import type { GroupFilter } from './group-filter.js';
import { groupDeviations, groupMetric, metricsOf } from './group-metric.js';

export const topStdSettings = z.strictObject({
  name: z.literal('top_std'),
  metric: groupMetric,
  keepShare: z.number().gt(0).max(1).default(0.25).describe('share of the groups that is kept, at least one'),
});

/**
 * StarPO-S (RAGEN, arXiv:2504.20073, section 3.2): keeps the share of groups whose metric varies most, rounded down but at least one;
 * of equals the first. Groups in which nothing was scored are not counted.
 */
export const topStd: GroupFilter<z.output<typeof topStdSettings>> = (groups, { metric, keepShare }) => {
  const deviations = groupDeviations(groups, metric);
  const scored = groups.flatMap((group, g) => (metricsOf(group, metric).length > 0 ? [g] : []));
  const ranked = scored.toSorted((a, b) => (deviations[b] ?? 0) - (deviations[a] ?? 0));
  const kept = new Set(ranked.slice(0, Math.max(1, Math.floor(keepShare * scored.length))));
  return groups.map((_, g) => kept.has(g));
};
