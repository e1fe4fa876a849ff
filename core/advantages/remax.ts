import { z } from 'zod';
import { assert } from '../errors.js';
import type { AdvantageEstimator, ScoredMember, TokenEstimates } from './advantage-estimator.js';
import { returnsToGo } from './returns-to-go.js';

export const remaxSettings = z.strictObject({ name: z.literal('remax') });

/**
 * ReMax (arXiv:2310.10505, algorithm 1): A_t = Σ of the rewards from t on, less the reward of one greedy episode of the task; returns
 * are the sums. Groups play no part. Rewards that lie at the end alone give every sampled token the same advantage.
 */
export const remax: AdvantageEstimator<z.output<typeof remaxSettings>> = (groups) =>
  groups.map((members) => members.map(memberEstimates));

function memberEstimates(member: ScoredMember): TokenEstimates[] {
  const { greedyReward, sequences } = member;
  assert(greedyReward !== undefined, 'remax needs the reward of a greedy episode for every member');
  return returnsToGo(member).map((returns, s) => ({
    advantages: returns.map((value, t) => (sequences[s]?.mask[t] === 1 ? value - greedyReward : 0)),
    returns,
  }));
}
