import { expect, it } from 'vitest';
import { PolicySampler } from '../../../core/model/sampler.js';
import { headOutput } from '../../../core/training/forward.js';
import { expectClose } from '../../helpers/expect-close.js';
import { read, withBackends } from '../../helpers/gradient.js';
import { adapterNames, openAdaptedPolicy } from '../../helpers/lora-references.js';
import { packed } from '../../helpers/model-gradients.js';
import { openReferencePolicy, referenceNames } from '../../helpers/model-references.js';
import { generateAll, tinySampling, tokensOf } from '../../helpers/tiny-policy.js';
import { toleranceOn } from '../../helpers/tolerance.js';

const temperature = 0.7;

withBackends((backend) => {
  const isNative = backend === 'native';
  const names = isNative ? referenceNames : ['qwen2-window', 'gemma2', 'gemma3'];
  /** On both sides of a page's end; the longest is read in pieces. */
  const lengths = isNative ? [600, 1, 64, 63] : [70, 1, 64];

  const adapted = isNative ? adapterNames : ['qwen2-all-linear'];
  const models = [
    ...names.map((name) => [name, openReferencePolicy] as const),
    ...adapted.map((name) => [name, openAdaptedPolicy] as const),
  ];

  it.each(models)('training finds the log-probs that were sampled from %s', async (name, open) => {
    using policy = await open(name);
    using sampler = new PolicySampler(policy);
    const prompts = lengths.map((length, i) => ({
      tokens: tokensOf(length, name, i).map((token) => token % policy.vocabSize),
      sampling: { ...tinySampling, temperature, maxTokens: 8 + i, seed: i },
    }));
    const generations = await generateAll(sampler, prompts, [0, 2, 1]);
    using batch = packed(
      prompts.map(({ tokens }, i) => [...tokens, ...generations[i]!.tokens]),
      lengths,
    );
    const trained = read(() => headOutput(policy, batch, temperature).logProbs);
    const sampled = generations.flatMap(({ logprobs }) => logprobs);
    expect(sampled.some((logprob) => logprob < -1)).toBe(true);
    expectClose(trained, sampled, { relative: 0, absolute: toleranceOn(backend, 3e-5) });
  });
});
