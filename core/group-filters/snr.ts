import { z } from 'zod';
import type { GroupFilter } from './group-filter.js';
import { groupDeviations, groupMetric } from './group-metric.js';

export const snrSettings = z.strictObject({
  name: z.literal('snr'),
  metric: groupMetric,
  topP: z.number().gt(0).max(1).default(0.9).describe('share of the summed standard deviations that is kept'),
  eps: z.number().min(0).default(0.01).describe('how much less than that share is enough'),
});

/**
 * RAGEN-2, top-p over the signal-to-noise ratio: its stand-in is the standard deviation of the metric in the group. Keeps the fewest
 * groups, most varied first, whose deviations sum to `topP` of all of them, less `eps`; never one without any deviation.
 * Linear: shares are of the sum itself, not of a softmax. At least the most varied group is kept, even where `eps` asks for none.
 */
export const snr: GroupFilter<z.output<typeof snrSettings>> = (groups, { metric, topP, eps }) => {
  const deviations = groupDeviations(groups, metric);
  const enough = topP * deviations.reduce((sum, deviation) => sum + deviation, 0) - eps;
  const ranked = [...deviations.entries()].filter(([, deviation]) => deviation > 0).toSorted((a, b) => b[1] - a[1]);
  const kept = new Set<number>();
  let sum = 0;
  for (const [g, deviation] of ranked) {
    if (kept.size > 0 && sum >= enough) break;
    kept.add(g);
    sum += deviation;
  }
  return groups.map((_, g) => kept.has(g));
};
