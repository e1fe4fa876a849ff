import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { estimatesOf } from '../../verify/estimates.js';
import { expectClose } from '../helpers/expect-close.js';
import { referenceTolerance } from '../helpers/reference-cases.js';

const rows = z.array(z.array(z.number()));
const caseSchema = z.object({
  inputs: z.looseObject({ response_mask: rows }),
  expected: z.object({ advantages: z.record(z.string(), z.object({ advantages: rows, returns: rows })) }),
});

const cases = [1, 2, 3, 4].map((n) => {
  const path = new URL(`../fixtures/algorithms/estimates-${n}.json`, import.meta.url);
  return { n, ...caseSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) };
});
const entries = cases.flatMap(({ n, inputs, expected }) =>
  Object.entries(expected.advantages).map(([name, numbers]) => ({ n, name, inputs, ...numbers })),
);

describe("agreement with verl's numbers", () => {
  test('covers every entry of the four files', () => {
    expect(entries).toHaveLength(79);
  });

  test.each(entries)('$name, case $n', ({ name, inputs, advantages, returns }) => {
    const ours = estimatesOf(name, inputs);
    expectClose(ours.advantages.flat(), advantages.flat(), referenceTolerance, 'advantages');
    expectClose(ours.returns.flat(), returns.flat(), referenceTolerance, 'returns');
  });
});

describe('names of entries', () => {
  test.each([
    'ppo',
    'gae lambda=1',
    'gae gamma=two',
    'gae gamma=2',
    'gae gamma',
    'rloo gamma=1',
    'grpo norm_by_std=1',
    'optimal_token_baseline is_weights=perhaps',
    '',
  ])("'%s' is refused", (name) => {
    expect(() => estimatesOf(name, cases[0]!.inputs)).toThrow();
  });

  test('inputs without what the estimator needs are refused', () => {
    expect(() => estimatesOf('gae', { ...cases[0]!.inputs, values: undefined })).toThrow('values');
    expect(() => estimatesOf('remax', {})).toThrow();
  });
});
