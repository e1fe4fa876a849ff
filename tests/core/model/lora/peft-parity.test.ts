import { describe, expect, it } from 'vitest';
import { logits } from '../../../../core/model/logits.js';
import type { Policy } from '../../../../core/model/policy.js';
import { headOutput } from '../../../../core/training/forward.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { read, withBackends } from '../../../helpers/gradient.js';
import {
  adapterNames,
  adapterReference,
  openAdaptedPolicy,
  openAdapterBase,
  openFreshAdapter,
} from '../../../helpers/lora-references.js';
import {
  combinedGradient,
  expectModelGradients,
  meanGradient,
  meanLoss,
  packed,
} from '../../../helpers/model-gradients.js';

/** As without adapters: tests/core/model/parity.test.ts. */
const near = { relative: 0, absolute: 3e-5 };
const checkpointing = [
  ['', false],
  [' with gradient checkpointing', true],
] as const;

withBackends((backend) => {
  describe.each(backend === 'wasm' ? adapterNames.slice(0, 1) : adapterNames)('%s', (name) => {
    const { cases, trained } = adapterReference(name);

    it('has the logits of PEFT at every position, alone and packed', async () => {
      using policy = await openAdaptedPolicy(name);
      for (const { tokens, logits: expected } of cases) expectClose(logitsOf(policy, [tokens]), expected, near);
      const sequences = cases.map(({ tokens }) => tokens);
      const all = cases.flatMap(({ logits }) => [...logits]);
      expectClose(logitsOf(policy, sequences), all, near, 'packed');
    });

    it('has the log-probs and the mean loss', async () => {
      using policy = await openAdaptedPolicy(name);
      for (const { tokens, logprobs, loss } of trained) {
        using batch = packed([tokens]);
        const found = read(() => headOutput(policy, batch, 1).logProbs);
        expectClose(found, logprobs, near, 'log-probs');
        const mean = read(() => meanLoss(policy, batch));
        expectClose(mean, [loss], near, 'loss');
      }
    });

    it.each(checkpointing)(
      'has the gradient of every factor, and no other%s',
      async (_, enableGradientCheckpointing) => {
        using policy = await openAdaptedPolicy(name, { enableGradientCheckpointing });
        for (const { tokens, gradients } of trained) expectModelGradients(meanGradient(policy, [tokens]), gradients);
      },
    );

    it.each(checkpointing)('has the gradient of two packed sequences%s', async (_, enableGradientCheckpointing) => {
      using policy = await openAdaptedPolicy(name, { enableGradientCheckpointing });
      const sequences = trained.map(({ tokens }) => tokens);
      expectModelGradients(meanGradient(policy, sequences), combinedGradient(trained));
    });

    it('changes nothing while it is fresh: logits are those of the base to the bit', async () => {
      using fresh = await openFreshAdapter(name);
      using base = await openAdapterBase(name);
      const sequences = cases.map(({ tokens }) => tokens);
      expect(logitsOf(fresh, sequences)).toEqual(logitsOf(base, sequences));
    });
  });
});

function logitsOf(policy: Policy, tokens: readonly (readonly number[])[]): number[] {
  return read(() => logits(policy, tokens));
}
