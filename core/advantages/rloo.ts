import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { groupMean } from './group-statistics.js';

export const rlooSettings = z.strictObject({ name: z.literal('rloo') });

/**
 * RLOO (arXiv:2402.14740): A = R - mean of the others' rewards = n / (n - 1) (R - mean of the group), on every sampled token.
 * A group of one keeps its reward as the advantage, as in verl. Equal rewards have advantage exactly 0.
 */
export const rloo: AdvantageEstimator<z.output<typeof rlooSettings>> = (groups) =>
  groups.map((members) => {
    const centre = groupMean(members.map(({ reward }) => reward));
    const scale = members.length > 1 ? members.length / (members.length - 1) : 1;
    return members.map((member) => broadcast(member, scale * (member.reward - centre)));
  });
