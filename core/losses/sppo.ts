import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss } from './policy-loss.js';
import { sequenceMeans, sequenceSums } from './sequence-sums.js';

export const sppoSettings = z.strictObject({
  name: z.literal('sppo'),
  sppoEta: z.number().positive().default(1).describe('what log-ratio of a sequence an advantage of 1 asks for'),
});

/**
 * SPPO (arXiv:2405.00675): the squared distance of a sequence's log-ratio from η times its advantage (the mean of its
 * tokens', here the estimate of how often it wins less the average); a mean over sequences, as in verl's recipe.
 * Deviation: a token's log-ratio is clamped to ±20.
 */
export const sppo: PolicyLoss<z.output<typeof sppoSettings>> = (input, { sppoEta }) => {
  const logRatio = clampedLogRatio(input); // [M]
  const target: tf.Tensor1D = tf.mul(sequenceMeans(input.advantages, input), sppoEta); // [M]
  return {
    losses: tf.square(tf.sub<tf.Tensor1D>(sequenceSums(logRatio, input), target)),
    metrics: { 'actor/ppo_kl': tf.neg(logRatio) },
  };
};
