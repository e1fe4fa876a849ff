import type { Metrics } from '../types.js';
import type { RolloutSequence } from './correct-rollouts.js';
import { deviation, largest, mean } from './token-statistics.js';

/**
 * How far the probabilities of the sampled tokens are apart between policy and engine: verl's `training/rollout_probs_diff_*` and the
 * correlation of the two. The deviation has Bessel's correction and is 0 for one token; the correlation is left out where one side
 * does not vary. Without a sampled token only `valid`, 0.
 */
export function rolloutProbsDiff(sequences: readonly RolloutSequence[]): Metrics {
  const pairs = sequences.flatMap(({ mask, oldLogprobs, rolloutLogprobs }) =>
    mask.flatMap((isSampled, t) =>
      isSampled === 1 ? [[probability(oldLogprobs[t]), probability(rolloutLogprobs[t])] as const] : [],
    ),
  );
  if (pairs.length === 0) return { 'training/rollout_probs_diff_valid': 0 };
  const differences = pairs.map(([actor, rollout]) => Math.abs(actor - rollout));
  const correlation = pearson(pairs);
  return {
    'training/rollout_probs_diff_valid': 1,
    'training/rollout_probs_diff_max': largest(differences),
    'training/rollout_probs_diff_mean': mean(differences),
    'training/rollout_probs_diff_std': deviation(differences),
    ...(correlation !== undefined && { 'training/rollout_actor_probs_pearson_corr': correlation }),
  };
}

function probability(logprob = Number.NaN): number {
  return Math.exp(logprob);
}

function pearson(pairs: readonly (readonly [number, number])[]): number | undefined {
  const [centreX, centreY] = [mean(pairs.map(([x]) => x)), mean(pairs.map(([, y]) => y))];
  const sumOf = (product: (x: number, y: number) => number): number =>
    pairs.reduce((sum, [x, y]) => sum + product(x - centreX, y - centreY), 0);
  const spread = Math.sqrt(sumOf((x) => x * x) * sumOf((_, y) => y * y));
  return spread === 0 ? undefined : sumOf((x, y) => x * y) / spread;
}
