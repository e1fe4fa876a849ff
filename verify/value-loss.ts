import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { valueLoss as lossOf } from '../core/losses/value-loss.js';
import { aggregationWeights, weightedSum } from './aggregation.js';
import { type CaseInputs, matrix, matrixOf, sampledOf } from './case-file.js';
import { differenceOf } from './difference.js';
import { expectOptions, numberOption, parseEntryName, textOption } from './entry-name.js';
import { valueAndGradient, valuesOf } from './gradient.js';
import type { Section } from './section.js';

const schema = z.strictObject({ loss: z.number(), clipfrac: z.number(), grad: matrix });

export const valueLoss: Section = async (name, given, inputs) => {
  const expected = schema.parse(given);
  const entry = parseEntryName(name);
  expectOptions(entry, ['cliprange', 'returns', 'agg']);
  const cliprangeValue = numberOption(entry, 'cliprange');
  const returns = sumOf(textOption(entry, 'returns'), inputs);
  const weights = aggregationWeights(textOption(entry, 'agg'), inputs);
  const run = (vpreds: tf.Tensor1D) =>
    lossOf(
      { vpreds, values: tf.tensor1d(sampledOf(matrixOf(inputs, 'values'), inputs)), returns: tf.tensor1d(returns) },
      { cliprangeValue },
    );
  const vpreds = sampledOf(matrixOf(inputs, 'vpreds'), inputs);
  const { value, gradient } = await valueAndGradient(vpreds, (x) => run(x).losses, weights);
  const clipped = await valuesOf(() => run(tf.tensor1d(vpreds)).metrics['critic/vf_clipfrac']);
  const share = clipped.map(() => 1 / clipped.length);
  return [
    differenceOf('loss', [weightedSum(value, weights)], [expected.loss]),
    differenceOf('clipfrac', [weightedSum(clipped, share)], [expected.clipfrac]),
    differenceOf('grad', gradient, sampledOf(expected.grad, inputs)),
  ];
};

/** `dense_rewards+values`: the sum of these inputs on sampled tokens. */
function sumOf(expression: string, inputs: CaseInputs): number[] {
  const terms = expression.split('+').map((name) => sampledOf(matrixOf(inputs, name), inputs));
  return (terms[0] ?? []).map((_, i) => terms.reduce((sum, term) => sum + (term[i] ?? Number.NaN), 0));
}
