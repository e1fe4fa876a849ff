import { z } from 'zod';
import { assert } from '../errors.js';
import type { AdvantageEstimator, EstimatorSequence, ScoredMember } from './advantage-estimator.js';
import { mean } from './group-statistics.js';
import { returnsToGo } from './returns-to-go.js';
import { type SampledToken, sampledTokens } from './sampled-tokens.js';
import { whitenAdvantages } from './whiten.js';

export const primeSettings = z.strictObject({
  name: z.literal('prime'),
  rewardDpoCoef: z.number().min(0).default(5).describe('weight of the process rewards'),
  rewardGtCoef: z.number().min(0).default(5).describe('weight of the outcome'),
  primeNorm: z
    .enum(['batch_norm', 'none'])
    .default('batch_norm')
    .describe('divide process rewards by the largest return they have in the batch, or leave them as they are'),
});

/**
 * PRIME (arXiv:2502.01456), process and outcome rewards, each relative to the others of the group (RLOO):
 * x_t = n/(n - 1) r_t - (sum over members of their mean r) / (n - 1), for the process on every sampled token, for the outcome on the
 * trajectory's last alone, where it is n/(n - 1) (R - mean). Returns are sums from t on of w_p x_t + w_o x_t over the trajectory's
 * sampled tokens; advantages are the returns whitened over the batch.
 *
 * Process rewards are first divided by (the largest absolute sum from some token on, in the batch, + 1e-6), as in verl.
 * The outcome is the member's whole reward. n of the process counts members with a sampled token, n of the outcome all. A member alone
 * has no baseline: x = r.
 */
export const prime: AdvantageEstimator<z.output<typeof primeSettings>> = (groups, settings) => {
  const { rewardDpoCoef, rewardGtCoef, primeNorm } = settings;
  const scale = primeNorm === 'batch_norm' ? largestReturn(groups) + 1e-6 : 1;
  const estimates = groups.map((members) => {
    const process = leaveOneOut(members.flatMap(meanProcessReward));
    const outcome = leaveOneOut(members.map(({ reward }) => reward));
    return members.map((member) => {
      const end = sampledTokens(member).at(-1);
      const shaped = withRewards(member, (reward, { s, t }) => {
        const ofOutcome = s === end?.s && t === end.t ? rewardGtCoef * outcome(member.reward) : 0;
        return (rewardDpoCoef * process(reward)) / scale + ofOutcome;
      });
      return returnsToGo(shaped).map((returns) => ({ advantages: returns, returns }));
    });
  });
  return whitenAdvantages(groups, estimates);
};

/** How a reward is made relative to the others', given one mean reward a member; one that is alone is left as it is. */
function leaveOneOut(means: readonly number[]): (reward: number) => number {
  const n = means.length;
  if (n < 2) return (reward) => reward;
  const centre = mean(means);
  return (reward) => (n / (n - 1)) * (reward - centre);
}

function largestReturn(groups: readonly (readonly ScoredMember[])[]): number {
  let largest = 0;
  for (const member of groups.flat())
    for (const sum of returnsToGo(withRewards(member, (reward) => reward)).flat())
      largest = Math.max(largest, Math.abs(sum));
  return largest;
}

/** The mean over the member's sampled tokens; none where it has none. */
function meanProcessReward(member: ScoredMember): number[] {
  const rewards = member.sequences.map(processRewardsOf);
  const sampled = sampledTokens(member).map(({ s, t }) => rewards[s]?.[t] ?? 0);
  return sampled.length === 0 ? [] : [mean(sampled)];
}

/** The member with rewards made of its process rewards. */
function withRewards(
  { sequences }: ScoredMember,
  shape: (processReward: number, at: SampledToken) => number,
): Pick<ScoredMember, 'sequences'> {
  return {
    sequences: sequences.map((sequence, s) => ({
      ...sequence,
      rewards: processRewardsOf(sequence).map((reward, t) => shape(reward, { s, t })),
    })),
  };
}

function processRewardsOf({ processRewards, mask }: EstimatorSequence): readonly number[] {
  const count = processRewards?.length ?? 0;
  assert(
    processRewards !== undefined && count === mask.length,
    `prime needs process rewards of ${mask.length} tokens, got ${count}`,
  );
  return processRewards;
}
