import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { clippedLosses, clipRatios } from './clip.js';
import { indicator } from './indicator.js';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss } from './policy-loss.js';
import { sequenceMeans } from './sequence-sums.js';
import { withoutGradient } from './without-gradient.js';

export const gspoSettings = z.strictObject({ name: z.literal('gspo'), ...clipRatios });

/** exp of it is the largest ratio of a sequence, as in verl. */
const maxLogRatio = 10;

/**
 * GSPO-token (arXiv:2507.18071, eq. 13 and 14): the ratio is of the sequence, the geometric mean of its tokens' ratios, with each
 * token's own gradient; always aggregated as eq. 13 says. The paper clips at 3e-4 and 4e-4; defaults are those of the other losses.
 * Deviation: a token's log-ratio is clamped to ±20 before the mean, so that it is finite.
 */
export const gspo: PolicyLoss<z.output<typeof gspoSettings>> = (input, settings) => {
  const { logProbs, advantages } = input;
  const logRatio = clampedLogRatio(input); // [M]
  const ofSequence = withoutGradient(() => sequenceMeans(logRatio, input)); // [M]
  const ownGradient: tf.Tensor1D = tf.sub(
    logProbs,
    withoutGradient(() => tf.clone(logProbs)),
  ); // [M] zeros
  const ratio = tf.exp(tf.minimum<tf.Tensor1D>(tf.add(ownGradient, ofSequence), maxLogRatio)); // [M]
  const { losses, isClipped } = clippedLosses(ratio, advantages, settings);
  return {
    losses,
    metrics: {
      'actor/pg_clipfrac': indicator(isClipped),
      'actor/pg_clipfrac_lower': tf.zerosLike(losses),
      'actor/ppo_kl': tf.neg(logRatio),
    },
  };
};
