import { expect, it } from 'vitest';
import { heldOutLoss } from '../../../core/sft/held-out-loss.js';
import { useBackend } from '../../../core/tensor/backend.js';
import { detectedBackend } from '../../helpers/backend.js';
import { sequencesOf } from '../../helpers/supervised-run.js';
import { never, openTinyPolicy } from '../../helpers/tiny-policy.js';

const limit = { ppoMaxTokenLenPerGpu: 16 };

it('the held-out loss is the mean of the learnt tokens’ negative log-probs, in as many passes as it takes', async () => {
  await useBackend(detectedBackend);
  using tiny = openTinyPolicy();
  const sequences = sequencesOf(7);
  const loss = await heldOutLoss(tiny.trainer, sequences, limit, never);
  const options = { columns: ['logprobs'], temperature: 1, ppoMaxTokenLenPerGpu: 1000 } as const;
  const { logprobs = [] } = await tiny.trainer.infer(sequences, options, never);
  const learnt = logprobs.flatMap((row, s) => row.filter((_, t) => sequences[s]?.mask[t] === 1));
  expect(learnt.every((logprob) => logprob < 0)).toBe(true);
  expect(loss).toBeCloseTo(-learnt.reduce((sum, logprob) => sum + logprob, 0) / learnt.length, 5);
});

it('nothing held out has no loss', async () => {
  await useBackend(detectedBackend);
  using tiny = openTinyPolicy();
  expect(await heldOutLoss(tiny.trainer, [], limit, never)).toBeNaN();
});
