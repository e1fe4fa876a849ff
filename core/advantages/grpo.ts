import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { mean, sampleDeviation } from './group-statistics.js';

export const grpoSettings = z.strictObject({
  name: z.literal('grpo'),
  normAdvByStdInGrpo: z
    .boolean()
    .default(true)
    .describe("divide by the group's standard deviation; off = Dr. GRPO (arXiv:2503.20783)"),
});

/**
 * GRPO (arXiv:2402.03300, section 4.1.2), outcome rewards: A = (R - mean) / (std + 1e-6) within the group, on every sampled token.
 * The standard deviation is unbiased. A group of one has mean 0 and deviation 1, as in verl. Equal rewards have advantage exactly 0.
 */
export const grpo: AdvantageEstimator<z.output<typeof grpoSettings>> = (groups, { normAdvByStdInGrpo }) =>
  groups.map((members) => {
    const rewards = members.map(({ reward }) => reward);
    const centre = rewards.length > 1 ? mean(rewards) : 0;
    const deviation = rewards.length > 1 ? sampleDeviation(rewards) : 1;
    return members.map((member) =>
      broadcast(member, (member.reward - centre) / (normAdvByStdInGrpo ? deviation + 1e-6 : 1)),
    );
  });
