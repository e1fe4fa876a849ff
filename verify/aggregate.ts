import { z } from 'zod';
import { aggregationWeights, weightedSum } from './aggregation.js';
import { matrixOf, sampledOf } from './case-file.js';
import { differenceOf } from './difference.js';
import type { Section } from './section.js';

/** Of the advantages, as if they were losses. */
export const aggregate: Section = (name, given, inputs) => {
  const losses = sampledOf(matrixOf(inputs, 'advantages'), inputs);
  return [differenceOf('value', [weightedSum(losses, aggregationWeights(name, inputs))], [z.number().parse(given)])];
};
