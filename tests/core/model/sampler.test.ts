import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { withBackends } from '../../helpers/gradient.js';
import { sameBeside } from '../../helpers/same-numbers.js';
import { generateAll, openTinyPolicy, tinySampling, tokensOf, vocabSize } from '../../helpers/tiny-policy.js';

withBackends(() => {
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
      expect(c).toEqual(sameBeside(d));
    });

    it('marks each token with the version that sampled it, also when the weights change in between', async () => {
      using tiny = openTinyPolicy();
      tiny.sampler.admit(1, [1, 2], { ...tinySampling, maxTokens: 2 });
      await tiny.sampler.step();
      tiny.policy.version = 3;
      const [finished] = await tiny.sampler.step();
      expect(finished?.generation.versions).toEqual([0, 3]);
    });

    it('holds pages for what it has read and gives them back at the end, on cancellation and on disposal', async () => {
      using tiny = openTinyPolicy();
      const [one, two] = [tokensOf(63, 'one page'), tokensOf(64, 'two pages')];
      for (const [id, tokens] of [one, two, one].entries())
        tiny.sampler.admit(id, tokens, { ...tinySampling, maxTokens: 2 });
      expect(tiny.sampler.pagesInUse).toBe(0);
      await tiny.sampler.step();
      expect(tiny.sampler.pagesInUse).toBe(3);
      tiny.sampler.cancel(0);
      expect(tiny.sampler.pagesInUse).toBe(2);
      await tiny.sampler.step();
      expect(tiny.sampler.pagesInUse).toBe(0);
      tiny.sampler.admit(3, one, tinySampling);
      await tiny.sampler.step();
      tiny.sampler[Symbol.dispose]();
      expect([tiny.sampler.size, tiny.sampler.pagesInUse]).toEqual([0, 0]);
    });

    it('reads a long prompt in pieces while others are sampled', async () => {
      using tiny = openTinyPolicy(1, { maxPositionEmbeddings: 2048 });
      tiny.sampler.admit(1, tokensOf(1030, 'long'), { ...tinySampling, maxTokens: 1 });
      tiny.sampler.admit(2, tokensOf(3, 'short'), { ...tinySampling, maxTokens: 3 });
      const finished = [];
      for (let step = 0; step < 3; step++) finished.push((await tiny.sampler.step()).map(({ id }) => id));
      expect(finished).toEqual([[], [], [1, 2]]);
    });

    it('reads prompts in turn that are too many for one pass', async () => {
      using tiny = openTinyPolicy(1, { maxPositionEmbeddings: 1024 });
      const prompt = { tokens: tokensOf(500, 'many'), sampling: { ...tinySampling, maxTokens: 1 } };
      for (let id = 0; id < 18; id++) tiny.sampler.admit(id, prompt.tokens, prompt.sampling);
      const finished = [];
      for (let step = 0; step < 2; step++) finished.push((await tiny.sampler.step()).length);
      expect(finished).toEqual([16, 2]);
    });

    it.each([{ topK: 3 }, { topP: 0.5 }, { minP: 0.2 }])(
      'with %o also gives log-probs over what is left',
      async (cut) => {
        using tiny = openTinyPolicy();
        const prompt = { tokens: [5, 6, 7], sampling: { ...tinySampling, ...cut } };
        const [generation] = await generateAll(tiny.sampler, [prompt]);
        expect(generation!.samplingLogprobs).toHaveLength(6);
        for (const [i, logprob] of generation!.samplingLogprobs!.entries()) {
          expect(logprob).toBeGreaterThan(generation!.logprobs[i]!);
          expect(logprob).toBeLessThanOrEqual(0);
        }
      },
    );

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
});
