import { describe, expect, it } from 'vitest';
import { sampleToken } from '../../../core/model/sample-token.js';
import { Rng } from '../../../core/rng.js';

/** Probabilities 0.5, 0.25, 0.125, 0.125 at temperature 1. */
const logits = [3, 3 - Math.log(2), 3 - Math.log(4), 3 - Math.log(4)];
const probabilities = [0.5, 0.25, 0.125, 0.125];

describe('sampleToken', () => {
  it('draws each token as often as it is likely', () => {
    const rng = new Rng(1);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) counts[sampleToken(logits, 1, rng).token]! += 1;
    // Four standard deviations of the likeliest count are 0.014 of the draws.
    counts.forEach((count, token) => {
      expect(Math.abs(count / 20_000 - probabilities[token]!)).toBeLessThan(0.015);
    });
  });

  it('gives the log-prob of what it drew', () => {
    const rng = new Rng(2);
    for (let i = 0; i < 50; i++) {
      const { token, logprob } = sampleToken(logits, 1, rng);
      expect(logprob).toBeCloseTo(Math.log(probabilities[token]!), 12);
    }
  });

  it('divides logits by the temperature: 0.5 squares the odds', () => {
    const { token, logprob } = sampleToken([0, Math.log(3)], 0.5, new Rng(3));
    expect(logprob).toBeCloseTo(Math.log([0.1, 0.9][token]!), 12);
  });

  it('takes the likeliest token at temperature 0, with its log-prob at temperature 1', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { token, logprob } = sampleToken([0, 2, 1], 0, new Rng(seed));
      expect(token).toBe(1);
      expect(logprob).toBeCloseTo(2 - Math.log(1 + Math.exp(2) + Math.exp(1)), 12);
    }
  });

  it('uses one random number a token, so that what follows does not depend on the logits', () => {
    const [a, b] = [new Rng(4), new Rng(4)];
    sampleToken([0, 0], 1, a);
    sampleToken([9, -9, 3], 2, b);
    expect(a.float()).toBe(b.float());
  });

  it('never draws a token of probability 0', () => {
    const rng = new Rng(5);
    const tokens = Array.from({ length: 500 }, () => sampleToken([-1e9, 0, -1e9, 0, -1e9], 1, rng).token);
    expect(new Set(tokens)).toEqual(new Set([1, 3]));
  });

  it.each([1e-300, 1e-10, 1e10, 1e300])('stays finite at temperature %d', (temperature) => {
    const { token, logprob } = sampleToken([-3e4, 3e4], temperature, new Rng(6));
    expect(Number.isFinite(logprob)).toBe(true);
    if (temperature < 1) expect({ token, logprob }).toEqual({ token: 1, logprob: 0 });
  });

  it.each([
    ['NaN', [0, Number.NaN, 1]],
    ['NaN first', [Number.NaN, 0]],
    ['Infinity', [0, Number.POSITIVE_INFINITY]],
    ['nothing but -Infinity', [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]],
  ])('throws for logits with %s', (_, bad) => {
    for (const temperature of [0, 1]) {
      expect(() => sampleToken(bad, temperature, new Rng(7))).toThrow('logits are not finite');
    }
  });
});
