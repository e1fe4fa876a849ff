import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss } from './policy-loss.js';

export const droSettings = z.strictObject({
  name: z.literal('dro'),
  droBeta: z.number().positive().default(0.1).describe('weight of the squared log-ratio'),
});

/**
 * DRO (arXiv:2405.19107): the policy gradient with a quadratic penalty on the log-ratio, a token at a time as in verl:
 * -(A log p - β/2 (log p - log p_old)²). The advantage takes the place of the reward less the paper's learned value.
 */
export const dro: PolicyLoss<z.output<typeof droSettings>> = (input, { droBeta }) => {
  const { logProbs, oldLogProbs, advantages } = input;
  const penalty: tf.Tensor1D = tf.mul(tf.square(tf.sub(logProbs, oldLogProbs)), droBeta / 2); // [M]
  return {
    losses: tf.sub<tf.Tensor1D>(penalty, tf.mul(logProbs, advantages)),
    metrics: { 'actor/ppo_kl': tf.neg(clampedLogRatio(input)) },
  };
};
