import { z } from 'zod';
import { assert } from '../errors.js';
import type { AdvantageEstimator, EstimatorSequence, ScoredMember } from './advantage-estimator.js';
import { mean } from './group-statistics.js';
import { whitenTokens } from './whiten-tokens.js';

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
  const returns = groups.map((members) => {
    const processes = members.map(sampledProcessRewards);
    const process = leaveOneOut(processes.flatMap((rewards) => (rewards.length === 0 ? [] : [mean(rewards)])));
    const outcome = leaveOneOut(members.map(({ reward }) => reward));
    return members.map((member, m) => {
      const shaped = (processes[m] ?? []).map((reward) => (rewardDpoCoef * process(reward)) / scale);
      const last = shaped.pop();
      if (last !== undefined) shaped.push(last + rewardGtCoef * outcome(member.reward));
      return spread(member, sumsFrom(shaped));
    });
  });
  const advantages = whitenTokens(groups, returns);
  return returns.map((members, g) =>
    members.map((sequences, m) =>
      sequences.map((row, s) => ({ advantages: advantages[g]?.[m]?.[s] ?? [], returns: row })),
    ),
  );
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
    for (const sum of sumsFrom(sampledProcessRewards(member))) largest = Math.max(largest, Math.abs(sum));
  return largest;
}

/** Process rewards of the member's sampled tokens, one sequence after the other. */
function sampledProcessRewards({ sequences }: ScoredMember): number[] {
  return sequences.flatMap((sequence) => processRewardsOf(sequence).filter((_, t) => sequence.mask[t] === 1));
}

function processRewardsOf({ processRewards, mask }: EstimatorSequence): readonly number[] {
  const count = processRewards?.length ?? 0;
  assert(
    processRewards !== undefined && count === mask.length,
    `prime needs process rewards of ${mask.length} tokens, got ${count}`,
  );
  return processRewards;
}

/** Entry t is the sum of the values from t on. */
function sumsFrom(values: readonly number[]): number[] {
  let sum = 0;
  return values
    .toReversed()
    .map((value) => {
      sum += value;
      return sum;
    })
    .reverse();
}

/** Numbers of the member's sampled tokens put back to their places: [sequence][token], 0 elsewhere. */
function spread({ sequences }: ScoredMember, values: readonly number[]): number[][] {
  const rest = values.values();
  return sequences.map(({ mask }) => mask.map((isSampled) => (isSampled === 1 ? (rest.next().value ?? 0) : 0)));
}
