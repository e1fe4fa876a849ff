import { expect, test } from 'vitest';
import { z } from 'zod';
import { useBackend } from '../../core/tensor/backend.js';
import { readCase } from '../../verify/case-file.js';
import { lossOf } from '../../verify/losses.js';
import { referenceFiles } from '../helpers/reference-files.js';

await useBackend('cpu');
const { inputs, expected } = await readCase(referenceFiles[0]!);

test('a loss reports the metrics of verl and no others', async () => {
  const schema = z.record(z.string(), z.object({ metrics: z.record(z.string(), z.number()) }));
  for (const [name, { metrics }] of Object.entries(schema.parse(expected.policy_losses))) {
    const result = await lossOf(name, inputs);
    expect(Object.keys(result.metrics).sort(), name).toEqual(Object.keys(metrics).sort());
  }
});

test.each([
  'ppo config=default agg=token-mean is_weights=no',
  'vanilla config=other agg=token-mean is_weights=no',
  'vanilla config=default agg=mean is_weights=no',
  'vanilla',
])('the name %s is refused', async (name) => {
  await expect(lossOf(name, inputs)).rejects.toThrow(RangeError);
});
