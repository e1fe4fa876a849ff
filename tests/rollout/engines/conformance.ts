import { describe, expect, test } from 'vitest';
import { InfrastructureError } from '../../../core/errors.js';
import type { InferenceEngine, Sampling } from '../../../core/types.js';
import { endless, never, sampling } from '../../helpers/policy-server.js';
import { sameBeside } from '../../helpers/same-numbers.js';

export interface OpenEngine extends AsyncDisposable {
  readonly engine: InferenceEngine;
}

/** What every engine over a policy of at least 16 tokens and a context of at most 512 promises. */
export function engineConformance(name: string, open: () => Promise<OpenEngine>): void {
  const prompt = [1, 2, 3];
  const withSeed = (seed: number): Sampling => ({ ...sampling, seed });

  describe(`engine ${name}`, () => {
    test('a generation has one logprob and one version a token', async () => {
      await using server = await open();
      const { tokens, logprobs, versions } = await server.engine.generate(prompt, sampling, never);
      expect(tokens.length).toBeGreaterThan(0);
      expect(logprobs.length).toBe(tokens.length);
      expect(versions).toEqual(tokens.map(() => 0));
      expect(logprobs.every((logprob) => Number.isFinite(logprob) && logprob <= 0)).toBe(true);
    });

    test('a generation without stop tokens has maxTokens tokens', async () => {
      await using server = await open();
      const generation = await server.engine.generate(prompt, { ...sampling, maxTokens: 5 }, never);
      expect(generation.tokens.length).toBe(5);
      expect(generation.finishReason).toBe('length');
    });

    test('a stop token ends the generation and is part of it', async () => {
      await using server = await open();
      const whole = await server.engine.generate(prompt, sampling, never);
      const stop = whole.tokens[4]!;
      const cut = await server.engine.generate(prompt, { ...sampling, stopTokens: [stop] }, never);
      expect(cut.finishReason).toBe('stop');
      expect(cut.tokens).toEqual(whole.tokens.slice(0, whole.tokens.indexOf(stop) + 1));
    });

    test('equal seeds give equal generations, whatever else is being decoded', async () => {
      await using server = await open();
      const alone = await server.engine.generate(prompt, withSeed(3), never);
      const crowd = [4, 5, 6, 7, 8].map((seed) => server.engine.generate([seed, 1], withSeed(seed), never));
      expect(await server.engine.generate(prompt, withSeed(3), never)).toEqual(sameBeside(alone));
      await Promise.all(crowd);
    });

    test('different seeds give different generations', async () => {
      await using server = await open();
      const first = await server.engine.generate(prompt, withSeed(1), never);
      const second = await server.engine.generate(prompt, withSeed(2), never);
      expect(second.tokens).not.toEqual(first.tokens);
    });

    test('temperature 0 takes the most likely token whatever the seed', async () => {
      await using server = await open();
      const first = await server.engine.generate(prompt, { ...withSeed(1), temperature: 0 }, never);
      expect(await server.engine.generate(prompt, { ...withSeed(2), temperature: 0 }, never)).toEqual(first);
    });

    test('64 concurrent calls each get their own generation', async () => {
      await using server = await open();
      const seeds = Array.from({ length: 64 }, (_, i) => i);
      const together = await Promise.all(seeds.map((seed) => server.engine.generate(prompt, withSeed(seed), never)));
      for (const seed of [0, 31, 63]) {
        const alone = await server.engine.generate(prompt, withSeed(seed), never);
        expect(together[seed]).toEqual(sameBeside(alone));
      }
    });

    test('an aborted call rejects with the reason within a second, and others go on', async () => {
      await using server = await open();
      const controller = new AbortController();
      const aborted = server.engine.generate(prompt, endless, controller.signal);
      const other = server.engine.generate(prompt, sampling, never);
      const reason = new Error('enough');
      const start = performance.now();
      controller.abort(reason);
      await expect(aborted).rejects.toBe(reason);
      expect(performance.now() - start).toBeLessThan(1000);
      expect((await other).tokens.length).toBe(sampling.maxTokens);
    });

    test('a call with an aborted signal rejects with its reason', async () => {
      await using server = await open();
      const reason = new Error('too late');
      await expect(server.engine.generate(prompt, sampling, AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    test('tokens beyond the context are refused for good, and the engine stays usable', async () => {
      await using server = await open();
      const tooLong = Array.from({ length: 600 }, () => 1);
      const refusal = await server.engine.generate(tooLong, sampling, never).catch((error) => error);
      expect(refusal).toBeInstanceOf(InfrastructureError);
      expect(refusal).toMatchObject({ code: 'call_refused', retryable: false });
      expect((await server.engine.generate(prompt, sampling, never)).tokens.length).toBe(sampling.maxTokens);
    });
  });
}
