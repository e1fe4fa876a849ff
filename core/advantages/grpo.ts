import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';

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
    const mean = rewards.length > 1 ? average(rewards) : 0;
    const deviation = rewards.length > 1 ? sampleDeviation(rewards, mean) : 1;
    return members.map(({ reward, masks }) => {
      const advantage = (reward - mean) / (normAdvByStdInGrpo ? deviation + 1e-6 : 1);
      return masks.map((mask) => mask.map((isSampled) => (isSampled === 1 ? advantage : 0)));
    });
  });

/** Summed as distances from the first value, so that the average of equal values is exactly that value. */
function average(values: readonly number[]): number {
  const [first = 0] = values;
  return first + values.reduce((sum, value) => sum + (value - first), 0) / values.length;
}

function sampleDeviation(values: readonly number[], mean: number): number {
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
