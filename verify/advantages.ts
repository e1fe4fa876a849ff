import { z } from 'zod';
import { matrix, sampledOf } from './case-file.js';
import { differenceOf } from './difference.js';
import { estimatesOf } from './estimates.js';
import type { Section } from './section.js';

const schema = z.strictObject({ advantages: matrix, returns: matrix });

export const advantages: Section = (name, given, inputs) => {
  const expected = schema.parse(given);
  const actual = estimatesOf(name, inputs);
  return (['advantages', 'returns'] as const).map((what) =>
    differenceOf(what, sampledOf(actual[what], inputs), sampledOf(expected[what], inputs)),
  );
};
