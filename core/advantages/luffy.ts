import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { grpoAdvantages } from './grpo.js';

export const luffySettings = z.strictObject({ name: z.literal('luffy') });

/**
 * LUFFY (arXiv:2504.14945), mixed-policy GRPO: A = R - mean over the whole group, expert traces included, on every
 * token to be trained. Not divided by a deviation, as in the recipe of its results. What differs for an expert's tokens is the loss.
 * The same numbers as GRPO without deviation: a name of its own says that members marked `isOffPolicy` belong to the baseline.
 */
export const luffy: AdvantageEstimator<z.output<typeof luffySettings>> = (groups) =>
  groups.map((members) => {
    const rewards = members.map(({ reward }) => reward);
    const advantages = grpoAdvantages(rewards, { normAdvByStdInGrpo: false });
    return members.map((member, m) => broadcast(member, advantages[m] ?? 0));
  });
