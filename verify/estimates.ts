import { z } from 'zod';
import type { Estimates, ScoredMember, TokenEstimates } from '../core/advantages/advantage-estimator.js';
import { advantageEstimatorSettings, estimateAdvantages } from '../core/algorithms.js';

const rows = z.array(z.array(z.number()));

const inputsSchema = z.object({
  index: z.array(z.string()),
  response_mask: rows,
  old_log_prob: rows,
  outcome_rewards: rows,
  dense_rewards: rows,
  values: rows,
  reward_baselines: z.array(z.number()),
  sum_pi_squared: rows,
  rollout_is_weights: rows,
});

type Inputs = z.output<typeof inputsSchema>;

/** [row][token], in the order of the inputs' rows; 0 where the mask is 0. */
export interface RowEstimates {
  readonly advantages: number[][];
  readonly returns: number[][];
}

/** Names of the reference's options, and the settings of ours that they are. */
const settingOf: { readonly [option: string]: string } = {
  gamma: 'gamma',
  lam: 'lam',
  norm_by_std: 'normAdvByStdInGrpo',
  handle_zero_tail: 'handleZeroTail',
};

/**
 * Our estimates of the inputs of one reference file for an entry of its `expected.advantages`, named as the file names it, such as
 * 'gae gamma=0.99 lam=0.95'. `reinforce_plus_plus` runs as the reference's: an observation ends the return. Throws when the
 * estimator, an option or its value is unknown, or the inputs do not have what it needs.
 */
export function estimatesOf(name: string, inputs: unknown): RowEstimates {
  const [estimator = '', ...words] = name.split(' ');
  const options = new Map(words.map(readOption));
  const weights = options.get('is_weights');
  options.delete('is_weights');
  if (weights !== undefined && weights !== 'yes' && weights !== 'no') throw new Error(`${name}: is_weights=${weights}`);
  const given = inputsSchema.parse(inputs);
  const groups = rowsOfGroups(given.index);
  const members = groups.map((group) => group.map((row) => memberOf(given, row, estimator, weights === 'yes')));
  return byRow(given, groups, estimateAdvantages(settingsOf(name, estimator, options), members));
}

function readOption(word: string): [string, string] {
  const [key = '', value = '', ...rest] = word.split('=');
  if (key === '' || value === '' || rest.length > 0) throw new Error(`'${word}' is no option`);
  return [key, value];
}

function settingsOf(name: string, estimator: string, options: ReadonlyMap<string, string>) {
  const settings: { [setting: string]: unknown } = { name: estimator };
  for (const [option, value] of options) {
    const setting = settingOf[option];
    if (setting === undefined) throw new Error(`${name}: unknown option '${option}'`);
    settings[setting] = JSON.parse(value);
  }
  if (estimator === 'reinforce_plus_plus') settings.carriesAcrossObservations = false;
  const parsed = advantageEstimatorSettings.safeParse(settings);
  if (!parsed.success) throw new Error(`${name}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The groups in the order of their first rows. */
function rowsOfGroups(index: readonly string[]): number[][] {
  return [...new Set(index)].map((key) => index.flatMap((other, row) => (other === key ? [row] : [])));
}

function memberOf(given: Inputs, row: number, estimator: string, isWeighted: boolean): ScoredMember {
  const rewards = (takesDenseRewards(estimator) ? given.dense_rewards : given.outcome_rewards)[row] ?? [];
  const mask = given.response_mask[row]?.map((bit) => (bit === 1 ? (1 as const) : (0 as const))) ?? [];
  const sequence = {
    mask,
    rewards,
    oldLogprobs: given.old_log_prob[row] ?? [],
    turns: [],
    values: given.values[row] ?? [],
    sumPiSquared: given.sum_pi_squared[row] ?? [],
    ...(isWeighted && { rolloutIsWeights: given.rollout_is_weights[row] ?? [] }),
  };
  return {
    reward: rewards.reduce((sum, reward) => sum + reward, 0),
    sequences: [sequence],
    rewardParts: {},
    greedyReward: given.reward_baselines[row] ?? 0,
  };
}

function takesDenseRewards(estimator: string): boolean {
  return estimator === 'gae' || estimator === 'reinforce_plus_plus';
}

function byRow({ index }: Inputs, groups: readonly (readonly number[])[], estimates: Estimates): RowEstimates {
  const found = new Map<number, TokenEstimates>();
  for (const [g, group] of groups.entries())
    for (const [m, row] of group.entries()) {
      const estimate = estimates[g]?.[m]?.[0];
      if (estimate !== undefined) found.set(row, estimate);
    }
  return {
    advantages: index.map((_, row) => [...(found.get(row)?.advantages ?? [])]),
    returns: index.map((_, row) => [...(found.get(row)?.returns ?? [])]),
  };
}
