import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { PolicyLoss } from './policy-loss.js';

export const sftSettings = z.strictObject({ name: z.literal('sft') });

/** Maximum likelihood of demonstrated tokens, each weighted by its advantage (1 for plain supervised training): -A log p. */
export const sft: PolicyLoss<z.output<typeof sftSettings>> = ({ logProbs, advantages }) => ({
  losses: tf.neg(tf.mul<tf.Tensor1D>(logProbs, advantages)),
  metrics: {},
});
