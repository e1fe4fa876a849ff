import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../core/tensor/backend.js';
import { testBackends } from '../../helpers/gradient.js';
import { generateAll, openTinyPolicy, tinySampling, tokensOf, vocabSize } from '../../helpers/tiny-policy.js';

beforeAll(async () => {
  await useBackend(testBackends[0] ?? 'cpu');
});

describe('PolicySampler', () => {
  it.each([
    ['an empty prompt', [], tinySampling, 'the prompt is empty'],
    ['a negative token', [1, -1], tinySampling, 'token -1 is not in the vocabulary'],
    ['an unknown token', [vocabSize], tinySampling, `token ${vocabSize} is not in the vocabulary`],
    ['a fraction of a token', [1.5], tinySampling, 'token 1.5 is not'],
    ['more than the context holds', [1], { ...tinySampling, maxTokens: 256 }, 'exceed the context of 256'],
  ])('refuses %s and stays empty', (_, tokens, sampling, message) => {
    using tiny = openTinyPolicy();
    expect(() => tiny.sampler.admit(1, tokens, sampling)).toThrow(message);
    expect(tiny.sampler.size).toBe(0);
  });

  it('fills the context to its last token', async () => {
    using tiny = openTinyPolicy();
    const [generation] = await generateAll(tiny.sampler, [
      { tokens: tokensOf(250, 'long'), sampling: { ...tinySampling, maxTokens: 6 } },
    ]);
    expect(generation).toMatchObject({ tokens: { length: 6 }, finishReason: 'length' });
  });

  it('ends a turn with its stop token, which it keeps', async () => {
    using tiny = openTinyPolicy();
    const prompt = { tokens: [1, 2, 3], sampling: { ...tinySampling, maxTokens: 8 } };
    const [free] = await generateAll(tiny.sampler, [prompt]);
    const stopTokens = [free!.tokens[4]!];
    const end = free!.tokens.indexOf(stopTokens[0]!) + 1;
    const [stopped] = await generateAll(tiny.sampler, [{ ...prompt, sampling: { ...prompt.sampling, stopTokens } }]);
    expect(stopped).toMatchObject({ tokens: free!.tokens.slice(0, end), finishReason: 'stop' });
    expect(stopped!.logprobs).toEqual(free!.logprobs.slice(0, end));
  });

  it('draws other tokens for another seed and none at random at temperature 0', async () => {
    using tiny = openTinyPolicy();
    const prompts = (temperature: number) =>
      [1, 2].map((seed) => ({ tokens: [5, 6, 7], sampling: { ...tinySampling, temperature, seed } }));
    const [a, b] = await generateAll(tiny.sampler, prompts(1));
    const [c, d] = await generateAll(tiny.sampler, prompts(0));
    expect(a!.tokens).not.toEqual(b!.tokens);
    expect(c).toEqual(d);
  });

  it('marks each token with the version that sampled it, also when the weights change in between', async () => {
    using tiny = openTinyPolicy();
    tiny.sampler.admit(1, [1, 2], { ...tinySampling, maxTokens: 2 });
    await tiny.sampler.step();
    tiny.policy.version = 3;
    const [finished] = await tiny.sampler.step();
    expect(finished?.generation.versions).toEqual([0, 3]);
  });

  it('throws when the weights have diverged, and holds no tensor', async () => {
    using tiny = openTinyPolicy();
    const norm = tiny.policy.weights.get('model.norm.weight');
    tf.tidy(() => norm.assign(tf.fill(norm.shape, Number.NaN)));
    const before = tf.memory().numTensors;
    tiny.sampler.admit(1, [1, 2], tinySampling);
    await expect(tiny.sampler.step()).rejects.toThrow('logits are not finite');
    expect(tf.memory().numTensors).toBe(before);
  });
});
