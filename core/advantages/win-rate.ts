import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';

export const winRateSettings = z.strictObject({ name: z.literal('win_rate') });

/**
 * SPPO (arXiv:2405.00675, section 4): A = P(the member beats another of its group) - 1/2, on every sampled token; a tie is half a
 * win. Only the order of rewards matters. Advantages lie in [-1/2, 1/2] and sum to 0 over the group; a group of one has 0.
 * The paper's estimate counts a member among its own opponents, which shrinks every advantage by (n - 1)/n; here opponents are others.
 */
export const winRate: AdvantageEstimator<z.output<typeof winRateSettings>> = (groups) =>
  groups.map((members) => {
    const rewards = members.map(({ reward }) => reward);
    return members.map((member) => broadcast(member, lead(member.reward, rewards)));
  });

/** Rewards below minus rewards above, as a share of the others, halved: the win rate above 1/2. A tie with itself adds nothing. */
function lead(reward: number, rewards: readonly number[]): number {
  const balance = rewards.reduce((sum, other) => sum + Math.sign(reward - other), 0);
  return balance / (2 * Math.max(1, rewards.length - 1));
}
