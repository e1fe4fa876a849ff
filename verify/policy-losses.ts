import { z } from 'zod';
import { matrix, sampledOf } from './case-file.js';
import { differenceOf, metricDifferences } from './difference.js';
import { lossOf } from './losses.js';
import type { Section } from './section.js';

const schema = z.strictObject({ loss: z.number(), grad: matrix, metrics: z.record(z.string(), z.number()) });

export const policyLosses: Section = async (name, given, inputs) => {
  const expected = schema.parse(given);
  const actual = await lossOf(name, inputs);
  return [
    differenceOf('loss', [actual.loss], [expected.loss]),
    differenceOf('grad', sampledOf(actual.grad, inputs), sampledOf(expected.grad, inputs)),
    ...metricDifferences(actual.metrics, expected.metrics),
  ];
};
