import { describe, expect, it } from 'vitest';
import { logits } from '../../../core/model/logits.js';
import type { Policy } from '../../../core/model/policy.js';
import { headOutput } from '../../../core/training/forward.js';
import { expectClose } from '../../helpers/expect-close.js';
import { read, withBackends } from '../../helpers/gradient.js';
import {
  combinedGradient,
  expectModelGradients,
  meanGradient,
  meanLoss,
  packed,
} from '../../helpers/model-gradients.js';
import {
  modelReference,
  namesWithOldConfig,
  openReferencePolicy,
  openWithOldConfig,
  referenceNames,
} from '../../helpers/model-references.js';

/** Float32 beside float64, through three or four layers, logits up to 10: found are 5e-6. */
const near = { relative: 0, absolute: 3e-5 };

withBackends((backend) => {
  const names = backend === 'wasm' ? ['llama3-rope', 'gemma2'] : referenceNames;

  describe.each(names)('%s', (name) => {
    const { cases, trained } = modelReference(name);

    it('has the logits of transformers at every position, each sequence alone', async () => {
      using policy = await openReferencePolicy(name);
      for (const { tokens, logits: expected } of cases)
        expectClose(logitsOf(policy, [tokens]), expected, near, `logits of ${tokens.length} tokens`);
    });

    it('has them as well when all sequences are one pass', async () => {
      using policy = await openReferencePolicy(name);
      const sequences = cases.map(({ tokens }) => tokens);
      expectClose(
        logitsOf(policy, sequences),
        cases.flatMap(({ logits }) => [...logits]),
        near,
        'logits',
      );
    });

    it('has the log-probs and the mean loss', async () => {
      using policy = await openReferencePolicy(name);
      for (const { tokens, logprobs, loss } of trained) {
        using batch = packed([tokens]);
        expectClose(
          read(() => headOutput(policy, batch, 1).logProbs),
          logprobs,
          near,
          'log-probs',
        );
        expectClose(
          read(() => meanLoss(policy, batch)),
          [loss],
          near,
          'loss',
        );
      }
    });

    it.each([
      ['', false],
      [' with gradient checkpointing', true],
    ])('has the gradient of every parameter%s', async (_, enableGradientCheckpointing) => {
      using policy = await openReferencePolicy(name, { enableGradientCheckpointing });
      for (const { tokens, gradients } of trained) expectModelGradients(meanGradient(policy, [tokens]), gradients);
    });

    it.each([
      ['', false],
      [' with gradient checkpointing', true],
    ])('has the gradient of two packed sequences%s', async (_, enableGradientCheckpointing) => {
      using policy = await openReferencePolicy(name, { enableGradientCheckpointing });
      const pair = trained.slice(-2);
      expectModelGradients(
        meanGradient(
          policy,
          pair.map(({ tokens }) => tokens),
        ),
        combinedGradient(pair),
      );
    });
  });

  it.runIf(backend !== 'wasm').each(namesWithOldConfig)(
    '%s is the same with a config.json of transformers 4',
    async (name) => {
      const sequences = modelReference(name).cases.map(({ tokens }) => tokens);
      using policy = await openReferencePolicy(name);
      using old = await openWithOldConfig(name);
      expect(logitsOf(old, sequences)).toEqual(logitsOf(policy, sequences));
    },
  );
});

function logitsOf(policy: Policy, tokens: readonly (readonly number[])[]): number[] {
  return read(() => logits(policy, tokens));
}
