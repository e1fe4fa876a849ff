import { z } from 'zod';
import type { Rng } from './rng.js';

export const pfPpoConfig = z.strictObject({
  reweightMethod: z
    .enum(['pow', 'max_min', 'max_random'])
    .default('pow')
    .describe('pow: |score|^weightPow; max_min: best and worst only; max_random: 0.4 for the best, 0.1 for the rest'),
  weightPow: z.number().min(0).default(2).describe('pow: the exponent'),
});
export type PfPpoConfig = z.output<typeof pfPpoConfig>;

/**
 * PF-PPO (arXiv:2409.06957, section 3): which trajectories to train on, as many as there are scores, drawn with replacement in
 * proportion to how much a noisy reward can be trusted at their score. Every weight is raised by 1e-8, as in verl, so that none
 * is impossible. No scores, no indices.
 */
export function pfPpoResample(scores: readonly number[], config: PfPpoConfig, rng: Rng): number[] {
  const ends = cumulated(weightsOf(scores, config).map((weight) => weight + 1e-8));
  const total = ends.at(-1) ?? 0;
  return scores.map(() => {
    const point = rng.float() * total;
    const drawn = ends.findIndex((end) => point < end);
    return drawn < 0 ? scores.length - 1 : drawn;
  });
}

function weightsOf(scores: readonly number[], { reweightMethod, weightPow }: PfPpoConfig): number[] {
  const best = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const worst = scores.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  switch (reweightMethod) {
    case 'pow':
      return scores.map((score) => Math.abs(score) ** weightPow);
    case 'max_min':
      return scores.map((score) => (score === best || score === worst ? 1 : 0));
    case 'max_random':
      return scores.map((score) => (score === best ? 0.4 : 0.1));
    default:
      return reweightMethod satisfies never;
  }
}

function cumulated(weights: readonly number[]): number[] {
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum;
  });
}
