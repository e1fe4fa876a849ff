import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { groupMean } from './group-statistics.js';

export const gpgSettings = z.strictObject({ name: z.literal('gpg') });

/**
 * GPG (arXiv:2504.02546): A = α (R - mean of the group) on every sampled token, α = members of the step / those with a reward other
 * than 0 (at least 1). The paper's F_norm is 1. A group of one has mean 0, as in verl. Equal rewards have advantage exactly 0.
 */
export const gpg: AdvantageEstimator<z.output<typeof gpgSettings>> = (groups) => {
  const rewards = groups.map((members) => members.map(({ reward }) => reward));
  const all = rewards.flat();
  const alpha = all.length / Math.max(1, all.filter((reward) => reward !== 0).length);
  return groups.map((members, g) => {
    const centre = groupMean(rewards[g] ?? []);
    return members.map((member) => broadcast(member, alpha * (member.reward - centre)));
  });
};
