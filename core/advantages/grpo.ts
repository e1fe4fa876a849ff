import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { groupMean, sampleDeviation } from './group-statistics.js';

/** Of all estimators that normalise as GRPO does. */
export const normAdvByStdInGrpo = z
  .boolean()
  .default(true)
  .describe("divide by the group's standard deviation; off = Dr. GRPO (arXiv:2503.20783)");

export const grpoSettings = z.strictObject({ name: z.literal('grpo'), normAdvByStdInGrpo });

/**
 * GRPO (arXiv:2402.03300, section 4.1.2), outcome rewards: A = (R - mean) / (std + 1e-6) within the group, on every sampled token.
 * The standard deviation is unbiased. A group of one has mean 0 and deviation 1, as in verl. Equal rewards have advantage exactly 0.
 */
export const grpo: AdvantageEstimator<z.output<typeof grpoSettings>> = (groups, settings) =>
  groups.map((members) => {
    const rewards = members.map(({ reward }) => reward);
    const advantages = grpoAdvantages(rewards, settings);
    return members.map((member, m) => broadcast(member, advantages[m] ?? 0));
  });

/** GRPO's advantage of each reward of one group. */
export function grpoAdvantages(
  rewards: readonly number[],
  settings: { readonly normAdvByStdInGrpo: boolean },
): number[] {
  const centre = groupMean(rewards);
  const deviation = rewards.length > 1 ? sampleDeviation(rewards) : 1;
  return rewards.map((reward) => (reward - centre) / (settings.normAdvByStdInGrpo ? deviation + 1e-6 : 1));
}
