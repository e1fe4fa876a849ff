import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type LossInputs, lossOf } from '../../verify/losses.js';
import { expectClose } from '../helpers/expect-close.js';
import { withBackends } from '../helpers/gradient.js';
import { type ReferenceCase, referenceCases, referenceTolerance, sampledOnly } from '../helpers/reference-cases.js';

const numbers = z.array(z.number());
const expectation = z.strictObject({
  loss: z.number(),
  metrics: z.record(z.string(), z.number()),
  grad: numbers.optional(),
});
const schema = z.array(z.strictObject({ rolloutIsWeights: numbers, expected: z.record(z.string(), expectation) }));
const path = new URL('../fixtures/algorithms/losses.json', import.meta.url);
const expectations = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
const cases = referenceCases.map((reference, i) => {
  const { rolloutIsWeights, expected } = expectations[i]!;
  return { ...reference, number: i + 1, inputs: inputsOf(reference, rolloutIsWeights), expected };
});
const losses = [...new Set(Object.keys(cases[0]!.expected).map((name) => name.split(' ')[0]!))];

withBackends(() => {
  test.each(losses)("loss, gradient and metrics of %s are verl's", async (loss) => {
    for (const { masks, number, inputs, expected } of cases)
      for (const [name, { grad, ...numbers }] of Object.entries(expected)) {
        if (!name.startsWith(`${loss} `)) continue;
        const result = await lossOf(name, inputs);
        expectClose([result.loss], [numbers.loss], referenceTolerance, `loss of case ${number}, ${name}`);
        expect(Object.keys(result.metrics).sort()).toEqual(Object.keys(numbers.metrics).sort());
        for (const [metric, value] of Object.entries(numbers.metrics))
          expectClose([result.metrics[metric]!], [value], referenceTolerance, `${metric} of case ${number}, ${name}`);
        if (grad !== undefined) expectClose(sampledOnly(result.grad, masks), grad, referenceTolerance, 'gradients');
      }
  });
});

test.each([
  'ppo config=default agg=token-mean is_weights=no',
  'vanilla config=other agg=token-mean is_weights=no',
  'vanilla config=default agg=mean is_weights=no',
  'vanilla',
])('the name %s is refused', async (name) => {
  await expect(lossOf(name, cases[0]!.inputs)).rejects.toThrow(RangeError);
});

function inputsOf({ masks, logProbs, oldLogProbs, advantages }: ReferenceCase, weights: readonly number[]): LossInputs {
  let next = 0;
  return {
    response_mask: masks,
    log_prob: logProbs,
    old_log_prob: oldLogProbs,
    advantages,
    rollout_is_weights: masks.map((mask) => mask.map((bit) => (bit === 1 ? weights[next++]! : 0))),
  };
}
