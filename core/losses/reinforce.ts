import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { indicator } from './indicator.js';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss, PolicyLossInput } from './policy-loss.js';
import { sequenceSums } from './sequence-sums.js';
import { withoutGradient } from './without-gradient.js';

export const reinforceSettings = z.strictObject({
  name: z.literal('reinforce'),
  isLevel: z
    .enum(['token', 'sequence', 'none'])
    .default('sequence')
    .describe('what an importance weight is the ratio of'),
  isThreshold: z.number().positive().default(2).describe('importance weights are truncated above this'),
});
type ReinforceSettings = z.output<typeof reinforceSettings>;

/**
 * REINFORCE with truncated importance weights: -w A log p with w = min(p / p_rollout, threshold), a constant; the loss of verl's
 * rollout correction in bypass mode, where the old policy is the rollout's. Weights are of the policy as it moves, so
 * `rolloutIsWeights` are not used. Log-ratios, and their sums over a sequence, are clamped to ±20, as in verl.
 */
export const reinforce: PolicyLoss<ReinforceSettings> = (input, { isLevel, isThreshold }) => {
  const { logProbs, advantages } = input;
  const ratio = withoutGradient(() => importanceRatio(input, isLevel)); // [M]
  const weight: tf.Tensor1D = isLevel === 'none' ? ratio : tf.minimum(ratio, isThreshold); // [M]
  return {
    losses: tf.neg(tf.mul<tf.Tensor1D>(tf.mul(weight, advantages), logProbs)),
    metrics: {
      'actor/pg_clipfrac': indicator(tf.notEqual(ratio, weight)),
      'actor/pg_clipfrac_lower': tf.zerosLike(ratio),
      'actor/ppo_kl': tf.neg(clampedLogRatio(input)),
    },
  };
};

/** [M] */
function importanceRatio(input: PolicyLossInput, isLevel: ReinforceSettings['isLevel']): tf.Tensor1D {
  const logRatio = clampedLogRatio(input); // [M]
  switch (isLevel) {
    case 'none':
      return tf.onesLike(logRatio);
    case 'token':
      return tf.exp(logRatio);
    case 'sequence':
      return tf.exp(tf.clipByValue(sequenceSums(logRatio, input), -20, 20));
    default:
      return isLevel satisfies never;
  }
}
