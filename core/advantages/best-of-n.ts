import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { ranking } from './ranking.js';

export const bestOfNSettings = z.strictObject({
  name: z.literal('best_of_n'),
  k: z.int().min(1).default(1).describe('members of a group that are learned from'),
  threshold: z
    .number()
    .nullable()
    .default(null)
    .describe('smallest reward that is learned from, however few have it; null = any'),
});

/**
 * RAFT (arXiv:2304.06767), rejection sampling: A = 1 on the sampled tokens of the k best members of a group, 0 on all
 * others. With policy loss `sft` this is fine-tuning on the best of n. Of equal rewards the earlier member is taken, so that here the
 * order of members counts. Members without a sampled token take nobody's place.
 */
export const bestOfN: AdvantageEstimator<z.output<typeof bestOfNSettings>> = (groups, { k, threshold }) =>
  groups.map((members) => {
    const eligible = ranking(members).filter(({ reward }) => threshold === null || reward >= threshold);
    const best = new Set(eligible.slice(0, k));
    return members.map((member) => broadcast(member, best.has(member) ? 1 : 0));
  });
