import { z } from 'zod';
import type { AdvantageEstimator, EstimatorSequence, EstimatorTurn, ScoredMember } from './advantage-estimator.js';
import { creditTurns } from './credit-turns.js';
import { grpoAdvantages } from './grpo.js';

export const gigpoSettings = z.strictObject({
  name: z.literal('gigpo'),
  stepAdvantageW: z.number().min(0).default(1).describe('weight of the advantage among turns that saw the same'),
  gamma: z.number().min(0).max(1).default(0.95).describe("discount, a turn, of rewards in a turn's return"),
  mode: z
    .enum(['mean_norm', 'mean_std_norm'])
    .default('mean_norm')
    .describe('distance from the mean, or that divided by the standard deviation too'),
});

/**
 * GiGPO (arXiv:2505.10978, section 4): A = A_E + w A_S on the sampled tokens of a turn. A_E is the reward relative to the group's,
 * each trajectory counted once. A_S is the turn's discounted return, sum of gamma^j r_(k+j), relative to those of all
 * turns of the group with an identical anchor, of the same trajectory too; a turn that alone saw its anchor has A_S 0.
 * A turn's reward is the sum of its sampled tokens' rewards: its own, and at the last turn what is left of the outcome. A group of one
 * has A_E = R, as GRPO's. The public reference code counts a trajectory once for each turn in A_E; here long episodes count no more.
 */
export const gigpo: AdvantageEstimator<z.output<typeof gigpoSettings>> = (groups, settings) =>
  groups.map((members) => {
    const how = { normAdvByStdInGrpo: settings.mode === 'mean_std_norm' };
    const rewards = members.map(({ reward }) => reward);
    const episodes = grpoAdvantages(rewards, how);
    const turns = members.flatMap((member, m) => listTurns(member, m, settings.gamma));
    const steps = amongEqualAnchors(turns, how).map((step) => settings.stepAdvantageW * step);
    return members.map((member, m) =>
      creditTurns(member, { whole: episodes[m] ?? 0, turns: steps.filter((_, k) => turns[k]?.member === m) }),
    );
  });

interface TurnReturn {
  readonly member: number;
  readonly anchor: string;
  readonly discounted: number;
}

/** The member's turns in the order of its sequences. */
function listTurns({ sequences }: ScoredMember, member: number, gamma: number): TurnReturn[] {
  const turns = sequences.flatMap((sequence) => sequence.turns.map((turn) => ({ sequence, turn })));
  let discounted = 0;
  return turns
    .toReversed()
    .map(({ sequence, turn }) => {
      discounted = turnReward(sequence, turn) + gamma * discounted;
      return { member, anchor: turn.anchor, discounted };
    })
    .reverse();
}

function turnReward({ mask, rewards }: EstimatorSequence, { start, end }: EstimatorTurn): number {
  return rewards.slice(start, end).reduce((sum, reward, t) => sum + (mask[start + t] === 1 ? reward : 0), 0);
}

/** Each turn's return relative to those of the turns with the same anchor; 0 where there is no other. */
function amongEqualAnchors(turns: readonly TurnReturn[], how: { readonly normAdvByStdInGrpo: boolean }): number[] {
  const placesOf = new Map<string, number[]>();
  for (const [k, { anchor }] of turns.entries()) placesOf.set(anchor, [...(placesOf.get(anchor) ?? []), k]);
  const relative = turns.map(() => 0);
  for (const places of placesOf.values()) {
    if (places.length < 2) continue;
    const returns = places.map((k) => turns[k]?.discounted ?? 0);
    const values = grpoAdvantages(returns, how);
    for (const [i, k] of places.entries()) relative[k] = values[i] ?? 0;
  }
  return relative;
}
