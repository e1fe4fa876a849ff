import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { sampleDeviation } from './group-statistics.js';
import { normAdvByStdInGrpo } from './grpo.js';

export const grpoPasskSettings = z.strictObject({ name: z.literal('grpo_passk'), normAdvByStdInGrpo });

/**
 * GRPO for pass@k (arXiv:2503.19595): the best of a group has A = (best - second best) / (std + 1e-6), all others 0.
 * The standard deviation is unbiased. A tie for the best gives nobody an advantage.
 * Deviation from verl, which raises an error: in a group of one the advantage is 0, for there is no second best.
 */
export const grpoPassk: AdvantageEstimator<z.output<typeof grpoPasskSettings>> = (groups, settings) =>
  groups.map((members) => {
    const rewards = members.map(({ reward }) => reward);
    const [best = 0, second = best] = rewards.toSorted((a, b) => b - a);
    const scale = settings.normAdvByStdInGrpo && rewards.length > 1 ? sampleDeviation(rewards) + 1e-6 : 1;
    return members.map((member) => broadcast(member, member.reward === best ? (best - second) / scale : 0));
  });
