import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { isKlPenalty, klPenalty, klPenaltyValues } from '../core/losses/kl-penalty.js';
import { matrix, matrixOf, sampledOf } from './case-file.js';
import { differenceOf } from './difference.js';
import { valueAndGradient } from './gradient.js';
import type { Section } from './section.js';

const schema = z.strictObject({ value: matrix, grad_of_masked_sum: matrix });

export const klPenalties: Section = async (name, given, inputs) => {
  const expected = schema.parse(given);
  if (!isKlPenalty(name)) throw new RangeError(`unknown KL penalty ${name}`);
  const [logProbs, refLogProbs] = [matrixOf(inputs, 'log_prob'), matrixOf(inputs, 'ref_log_prob')].map((values) =>
    sampledOf(values, inputs),
  );
  if (logProbs === undefined || refLogProbs === undefined) throw new RangeError('no log-probs');
  const ones = logProbs.map(() => 1);
  const actual = await valueAndGradient(logProbs, (x) => klPenalty(name, x, tf.tensor1d(refLogProbs)), ones);
  const value = sampledOf(expected.value, inputs);
  return [
    differenceOf('value', actual.value, value),
    differenceOf('value as a reward', klPenaltyValues(name, logProbs, refLogProbs), value),
    differenceOf('grad_of_masked_sum', actual.gradient, sampledOf(expected.grad_of_masked_sum, inputs)),
  ];
};
