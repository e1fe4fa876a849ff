import { z } from 'zod';
import type { AdvantageEstimator, ScoredMember } from './advantage-estimator.js';
import { creditTurns } from './credit-turns.js';
import { grpoAdvantages } from './grpo.js';

export const mtGrpoSettings = z.strictObject({
  name: z.literal('mt_grpo'),
  turnCoef: z.number().min(0).default(1).describe("weight of turns' own rewards beside the outcome's"),
  normAdvByStdInGrpo: z.boolean().default(true).describe("divide by the group's standard deviation"),
});

/**
 * MT-GRPO (arXiv:2505.11821), turn-level credit: A = A_O + turnCoef A_T on the sampled tokens of a turn. A_O is GRPO on the outcome,
 * the reward without the turns' own. A_T of turn k is GRPO on the return to go, the sum of the turns' own rewards from k on.
 * The paper treats two turns, the first of which has a reward: there it is the same. For more turns its reading, the reward of turn k
 * relative to those of the others' k-th turns, compares with those alone that came so far: the more turns an episode takes, the more
 * means are taken off its sum. Here every member of the group counts at every k, with 0 once it has ended: the baseline of a turn
 * is of the group and k alone, and its number of terms is the group's size whatever the trajectory's length.
 */
export const mtGrpo: AdvantageEstimator<z.output<typeof mtGrpoSettings>> = (groups, { turnCoef, ...how }) =>
  groups.map((members) => {
    const turnRewards = members.map(ownRewards);
    const outcomes = grpoAdvantages(
      members.map(({ reward }, m) => reward - sum(turnRewards[m] ?? [])),
      how,
    );
    const turnCount = Math.max(0, ...turnRewards.map(({ length }) => length));
    const turns = Array.from({ length: turnCount }, (_, k) =>
      grpoAdvantages(
        turnRewards.map((rewards) => sum(rewards.slice(k))),
        how,
      ),
    );
    return members.map((member, m) =>
      creditTurns(member, {
        whole: outcomes[m] ?? 0,
        turns: turns.map((ofGroup) => turnCoef * (ofGroup[m] ?? 0)),
      }),
    );
  });

function ownRewards({ sequences }: ScoredMember): number[] {
  return sequences.flatMap(({ turns }) => turns.map(({ reward }) => reward));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
