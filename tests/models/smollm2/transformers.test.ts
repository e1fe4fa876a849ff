import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { expectClose } from '../../helpers/expect-close.js';
import { logitsAfter, logProbsOf, modelCache, needsModels, openSmollm2, type Smollm2 } from '../../helpers/smollm2.js';

/** transformers-logits.py beside this file says what these are. */
const fixtureSchema = z.object({
  cases: z.array(
    z.strictObject({
      name: z.string(),
      input_ids: z.array(z.int()),
      logprobs: z.array(z.number()),
      largest: z.array(z.tuple([z.int(), z.number()])).length(256),
      mean: z.number(),
      deviation: z.number(),
    }),
  ),
});
const path = join(import.meta.dirname, '../../fixtures/smollm2/transformers.json');
const { cases } = fixtureSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
/** The worst of backend native is 5e-5. */
const allowed = { absolute: 2e-4, relative: 0 };

describe.skipIf(modelCache === undefined)(needsModels, () => {
  let model: Smollm2;
  beforeAll(async () => {
    model = await openSmollm2();
  });
  afterAll(async () => await model[Symbol.asyncDispose]());

  test.each(cases)('$name: log-probs and last logits are those of transformers', async (given) => {
    const { input_ids: tokens, largest, mean, deviation } = given;
    const logProbs = await logProbsOf(model, tokens);
    expectClose(logProbs, given.logprobs, allowed, 'log-probs');
    const logits = await logitsAfter(model, tokens);
    const found = largest.map(([token]) => logits[token]!);
    const values = largest.map(([, value]) => value);
    expectClose(found, values, allowed, 'logits');
    const meanOf = (numbers: Iterable<number>) => [...numbers].reduce((sum, value) => sum + value, 0) / logits.length;
    expect(meanOf(logits)).toBeCloseTo(mean, 4);
    expect(Math.sqrt(meanOf(logits.map((value) => (value - mean) ** 2)))).toBeCloseTo(deviation, 4);
  });
});
