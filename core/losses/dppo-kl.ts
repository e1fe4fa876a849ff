import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { dppo, dppoSettings, type TokenProbs } from './dppo.js';
import { indicator } from './indicator.js';
import type { PolicyLoss } from './policy-loss.js';

export const dppoKlSettings = z.strictObject({ name: z.literal('dppo_kl'), ...dppoSettings });

/** Keeps the logarithm of the probability of all other tokens finite. */
const epsilon = 1e-8;

/**
 * DPPO-Binary-KL (arXiv:2602.04879): a token teaches nothing once it has moved in the direction that its advantage asks for and the
 * KL divergence between "this token" and "any other" under the old policy and the new one is larger than allowed.
 */
export const dppoKl: PolicyLoss<z.output<typeof dppoKlSettings>> = (input, settings) => {
  const isInside = (probs: TokenProbs): tf.Tensor1D => {
    const divergence = binaryKl(probs, tf.sub(input.oldLogProbs, input.logProbs)); // [M]
    const { prob, oldProb } = probs;
    return tf.where(
      tf.greater(input.advantages, 0),
      indicator(tf.logicalOr(tf.lessEqual(divergence, settings.clipRatioHigh), tf.lessEqual(prob, oldProb))),
      indicator(tf.logicalOr(tf.lessEqual(divergence, settings.clipRatioLow), tf.greaterEqual(prob, oldProb))),
    ); // [M]
  };
  return dppo(input, isInside, settings.clipRatioC);
};

/** @param negativeLogRatio log of oldProb / prob, [M] */
function binaryKl({ prob, oldProb }: TokenProbs, negativeLogRatio: tf.Tensor1D): tf.Tensor1D {
  const others = tf.add(tf.sub(1, prob), epsilon); // [M]
  const oldOthers = tf.add(tf.sub(1, oldProb), epsilon); // [M]
  const ofOthers = tf.mul(tf.sub(1, oldProb), tf.log(tf.div(oldOthers, others))); // [M]
  return tf.add(tf.mul(oldProb, negativeLogRatio), ofOthers);
}
