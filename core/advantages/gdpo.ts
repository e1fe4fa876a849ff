import { z } from 'zod';
import { ConfigError } from '../errors.js';
import type { AdvantageEstimator, ScoredMember } from './advantage-estimator.js';
import { grpoAdvantages, normAdvByStdInGrpo } from './grpo.js';
import { whitenOutcomes } from './whiten.js';

export const gdpoSettings = z
  .strictObject({
    name: z.literal('gdpo'),
    gdpoRewardKeys: z.array(z.string().min(1)).min(1).describe("the reward's parts that are normalised each by itself"),
    gdpoRewardWeights: z
      .array(z.number())
      .nullable()
      .default(null)
      .describe('what each part counts, in the order of the keys; null counts each once'),
    normAdvByStdInGrpo,
  })
  .refine(
    ({ gdpoRewardKeys, gdpoRewardWeights }) =>
      gdpoRewardWeights === null || gdpoRewardWeights.length === gdpoRewardKeys.length,
    { path: ['gdpoRewardWeights'], message: 'write one weight for each of gdpoRewardKeys' },
  );

/**
 * GDPO (arXiv:2601.05242): GRPO's advantage of each part of the reward within the group, their weighted sum on every sampled token,
 * whitened over the step. Rewards that are not parts of the environment's, such as a KL penalty, do not count, as in verl.
 * Throws ConfigError when a member has no part of a configured name.
 */
export const gdpo: AdvantageEstimator<z.output<typeof gdpoSettings>> = (groups, settings) => {
  const { gdpoRewardKeys, gdpoRewardWeights } = settings;
  const outcomes = groups.map((members) => {
    const sums = members.map(() => 0);
    for (const [k, key] of gdpoRewardKeys.entries()) {
      const parts = members.map((member) => partOf(member, key));
      for (const [m, advantage] of grpoAdvantages(parts, settings).entries())
        sums[m] = (sums[m] ?? 0) + (gdpoRewardWeights?.[k] ?? 1) * advantage;
    }
    return sums;
  });
  return whitenOutcomes(groups, outcomes);
};

function partOf({ rewardParts }: ScoredMember, key: string): number {
  const part = rewardParts[key];
  if (part !== undefined) return part;
  const known = Object.keys(rewardParts).join(', ') || 'no parts';
  throw new ConfigError(`gdpoRewardKeys: the reward has no part '${key}'; it has ${known}`);
}
