import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { weightedMean } from './group-statistics.js';
import { sampledTokens } from './sampled-tokens.js';

export const opoSettings = z.strictObject({ name: z.literal('opo') });

/**
 * OPO (arXiv:2505.23585): A = R - Σ L R / Σ L within the group, L the sampled tokens of a member, on every sampled token.
 * A group of one has baseline 0, as in verl. Equal rewards have advantage exactly 0. A member without tokens weighs nothing.
 */
export const opo: AdvantageEstimator<z.output<typeof opoSettings>> = (groups) =>
  groups.map((members) => {
    const rewards = members.map(({ reward }) => reward);
    const lengths = members.map((member) => sampledTokens(member).length);
    const baseline = members.length > 1 ? weightedMean(rewards, lengths) : 0;
    return members.map((member) => broadcast(member, member.reward - baseline));
  });
