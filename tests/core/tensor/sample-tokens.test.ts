import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { linearLogProbs } from '../../../core/tensor/linear-log-probs.js';
import { type RowSampling, sampleTokens } from '../../../core/tensor/sample-tokens.js';
import { expectClose } from '../../helpers/expect-close.js';
import { Inputs, withBackends } from '../../helpers/gradient.js';
import { toleranceOn } from '../../helpers/tolerance.js';

/** Probabilities 0.1, 0.5, 0.2, 0.2 at temperature 1. */
const probabilities = [0.1, 0.5, 0.2, 0.2];
const logits = probabilities.map((probability) => 3 + Math.log(probability));
const close = { relative: 0, absolute: 2e-6 };

withBackends((backend) => {
  test('each token is drawn as often as it is likely, with its log-prob', () => {
    const { tokens, logProbs, samplingLogProbs } = draw(logits, 20_000);
    // Four standard deviations of the likeliest count are 0.014 of the draws.
    for (const [token, share] of shares(tokens).entries()) {
      expect(Math.abs(share - probabilities[token]!)).toBeLessThan(0.015);
    }
    expectClose(
      logProbs,
      tokens.map((token) => Math.log(probabilities[token]!)),
      close,
    );
    expect(samplingLogProbs).toEqual(logProbs);
  });

  test('logits are divided by the temperature: 0.5 squares the odds', () => {
    const { tokens, logProbs } = draw([0, Math.log(3)], 20, { temperature: 0.5 });
    expectClose(
      logProbs,
      tokens.map((token) => Math.log([0.1, 0.9][token]!)),
      close,
    );
  });

  test('logits are capped before they are divided: 2 tanh(10 / 2) and 0 at temperature 0.5', () => {
    const { tokens, logProbs } = draw([10, 0], 20, { temperature: 0.5, softcap: 2 });
    const total = 1 + Math.exp(4 * Math.tanh(5));
    expectClose(
      logProbs,
      tokens.map((token) => (token === 0 ? 4 * Math.tanh(5) : 0) - Math.log(total)),
      close,
    );
  });

  test('at temperature 0 the first of the likeliest is taken, with its log-prob at temperature 1', () => {
    const { tokens, logProbs } = draw([0, 2, 1, 2], 20, { temperature: 0 });
    expect(new Set(tokens)).toEqual(new Set([1]));
    expectClose(logProbs, Array(20).fill(2 - Math.log(1 + 2 * Math.exp(2) + Math.exp(1))), close);
  });

  test.each([
    ['top-k 2 keeps the likeliest two, of equal ones the smaller id', { topK: 2 }, [0, 5 / 7, 2 / 7, 0]],
    ['top-k 1 keeps one', { topK: 1 }, [0, 1, 0, 0]],
    ['top-k beyond the vocabulary keeps all', { topK: 9 }, probabilities],
    ['top-p keeps the fewest that reach it', { topP: 0.6 }, [0, 5 / 7, 2 / 7, 0]],
    ['top-p keeps the likeliest, however small it is', { topP: 1e-9 }, [0, 1, 0, 0]],
    ['top-p counts shares of what top-k left', { topK: 3, topP: 0.6 }, [0, 5 / 7, 2 / 7, 0]],
    ['min-p keeps what is likely enough beside the likeliest', { minP: 0.3 }, [0, 5 / 9, 2 / 9, 2 / 9]],
    ['min-p 1 keeps the likeliest', { minP: 1 }, [0, 1, 0, 0]],
    ['all three work together', { topK: 3, topP: 0.95, minP: 0.5 }, [0, 1, 0, 0]],
  ])('%s', (_, cut, left) => {
    const { tokens, logProbs, samplingLogProbs } = draw(logits, 4000, cut);
    // Four standard deviations of a count are 0.032 of the draws.
    for (const [token, share] of shares(tokens).entries()) {
      if (left[token] === 0) expect(share).toBe(0);
      else expect(Math.abs(share - left[token]!)).toBeLessThan(0.032);
    }
    expectClose(
      logProbs,
      tokens.map((token) => Math.log(probabilities[token]!)),
      close,
    );
    expectClose(
      samplingLogProbs,
      tokens.map((token) => Math.log(left[token]!)),
      close,
    );
  });

  test.each([0, 3])('the log-prob is the one that training finds, with a softcap of %d', (softcap) => {
    using inputs = new Inputs(1);
    const [hidden, weight] = [inputs.matrix(7, 16), inputs.matrix(300, 16)];
    const sampled = tf.tidy(() => {
      const { tokens, logProbs } = sampleTokens(hidden, weight, rows(7, { temperature: 0.7 }), softcap);
      const trained = linearLogProbs(hidden, weight, tokens, { temperature: Math.fround(0.7), softcap });
      return { sampling: [...logProbs.dataSync()], training: [...trained.logProbs.dataSync()] };
    });
    expectClose(sampled.sampling, sampled.training, { relative: 0, absolute: toleranceOn(backend, 1e-5) });
  });

  test('a row depends on its logits, seed and counter alone', () => {
    using inputs = new Inputs(2);
    const [hidden, weight] = [inputs.matrix(5, 16), inputs.matrix(40, 16)];
    const all = sample(hidden, weight, rows(5));
    const third = tf.slice2d(hidden, [3, 0], [1, 16]);
    const one = (list: Uint32Array): Uint32Array => list.slice(3, 4);
    const { seeds, counters } = rows(5);
    const alone = sample(third, weight, { ...rows(1), seeds: one(seeds), counters: one(counters) });
    third.dispose();
    expect(alone).toEqual({
      tokens: [all.tokens[3]],
      logProbs: [all.logProbs[3]],
      samplingLogProbs: [all.samplingLogProbs[3]],
    });
  });

  test('a token of probability 0 is never drawn', () => {
    expect(new Set(draw([-1e9, 0, -1e9, 0, -1e9], 500).tokens)).toEqual(new Set([1, 3]));
  });

  test.each([1e-30, 1e-10, 1e10, 1e30])('stays finite at temperature %d', (temperature) => {
    const { tokens, logProbs } = draw([-3e4, 3e4], 5, { temperature });
    expect(logProbs.every(Number.isFinite)).toBe(true);
    if (temperature < 1) expect({ tokens, logProbs }).toEqual({ tokens: Array(5).fill(1), logProbs: Array(5).fill(0) });
  });

  test.each([
    ['NaN', [0, Number.NaN, 1]],
    ['NaN first', [Number.NaN, 0, 1]],
    ['Infinity', [0, Number.POSITIVE_INFINITY, 1]],
    ['nothing but -Infinity', Array(3).fill(Number.NEGATIVE_INFINITY)],
  ])('logits with %s have the log-prob NaN', (_, bad) => {
    for (const temperature of [0, 1]) {
      expect(draw(bad, 2, { temperature }).logProbs).toEqual([Number.NaN, Number.NaN]);
      expect(draw(bad, 2, { temperature, topK: 2, topP: 0.5, minP: 0.1 }).logProbs).toEqual([Number.NaN, Number.NaN]);
    }
  });

  test('no rows give no tokens', () => {
    expect(draw(logits, 0)).toEqual({ tokens: [], logProbs: [], samplingLogProbs: [] });
  });

  test('lists of another length are refused by name and shape', () => {
    using inputs = new Inputs(3);
    const [hidden, weight] = [inputs.matrix(2, 3), inputs.matrix(5, 3)];
    expect(() => sampleTokens(hidden, weight, rows(3))).toThrow(
      'sampleTokens: every list of how to sample has N entries; got hidden [2, 3], weight [5, 3]',
    );
    expect(() => sampleTokens(weight, inputs.matrix(5, 4), rows(5))).toThrow('hidden is [N, C], weight is [V, C]');
  });
});

interface How {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly softcap?: number;
}

/** Sampling of `count` rows alike, each with its own counter. */
function rows(count: number, { temperature = 1, topK = 0, topP = 1, minP = 0 }: How = {}): RowSampling {
  return {
    temperature: new Float32Array(count).fill(temperature),
    topK: new Int32Array(count).fill(topK),
    topP: new Float32Array(count).fill(topP),
    minP: new Float32Array(count).fill(minP),
    seeds: new Uint32Array(count).fill(7),
    counters: Uint32Array.from({ length: count }, (_, i) => i),
  };
}

interface Draws {
  readonly tokens: number[];
  readonly logProbs: number[];
  readonly samplingLogProbs: number[];
}

/** `count` draws from the same logits, which are the weight's only column. */
function draw(logits: readonly number[], count: number, how: How = {}): Draws {
  const [hidden, weight] = [tf.ones<tf.Rank.R2>([count, 1]), tf.tensor2d([...logits], [logits.length, 1])];
  const draws = sample(hidden, weight, rows(count, how), how.softcap);
  tf.dispose([hidden, weight]);
  return draws;
}

function sample(hidden: tf.Tensor2D, weight: tf.Tensor2D, sampling: RowSampling, softcap?: number): Draws {
  return tf.tidy(() => {
    const { tokens, logProbs, samplingLogProbs } = sampleTokens(hidden, weight, sampling, softcap);
    const list = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];
    return { tokens: list(tokens), logProbs: list(logProbs), samplingLogProbs: list(samplingLogProbs) };
  });
}

function shares(tokens: readonly number[]): number[] {
  const counts = probabilities.map((_, token) => tokens.filter((drawn) => drawn === token).length);
  return counts.map((count) => count / tokens.length);
}
