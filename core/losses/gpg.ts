import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { PolicyLoss } from './policy-loss.js';

export const gpgSettings = z.strictObject({ name: z.literal('gpg') });

/** GPG (arXiv:2504.02546): the policy gradient itself, -A log p, without ratio or clipping. */
export const gpg: PolicyLoss<z.output<typeof gpgSettings>> = ({ logProbs, advantages }) => ({
  losses: tf.neg(tf.mul<tf.Tensor1D>(logProbs, advantages)),
  metrics: {},
});
