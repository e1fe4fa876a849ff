import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { philoxUniform } from '../../../../core/philox.js';
import { useBackend } from '../../../../core/tensor/backend.js';
import { has, nativeAddon, onEverySetting } from '../../../helpers/native-addon.js';
import { type HeadCase, randomHead, referenceRow, rowsOf, runHead } from '../../../helpers/native-head.js';
import { runKernel } from '../../../helpers/run-kernel.js';

beforeAll(() => useBackend('native', { threads: 2 }));

let tensorsBefore = 0;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => expect(tf.memory().numTensors, 'tensors left behind').toBe(tensorsBefore));

interface Settings {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  /** The same for all rows; one of its own each unless given. */
  readonly seed?: number;
  readonly counter?: number;
}

test('the uniform numbers are those of Philox4x32-10 (known answer 6627e8d5 for zeros)', () => {
  const head = flatHead(2, 4096);
  expect(sample(head, { seed: 0, counter: 0 }).tokens).toEqual([0x662, 0x662]);
});

test.each([
  [1, 5, 3, 0],
  [128, 16, 263, 0],
  [20, 24, 3100, 0],
  [1, 5, 3, 1],
  [128, 16, 263, 30],
  [20, 24, 3100, 3],
] as const)(
  'log-probs of %i rows of width %i over %i tokens, softcap %d, have the bits of LinearLogProbs',
  (rows, width, vocabulary, softcap) => {
    const head = { ...randomHead(rows, width, vocabulary, 0.7), softcap };
    const { tokens, logProbs, samplingLogProbs } = sample(head, { temperature: 0.7 });
    const [expected] = runHead({ ...head, targets: Int32Array.from(tokens) });
    expect(logProbs).toEqual([...expected!]);
    expect(samplingLogProbs).toEqual(logProbs);
  },
);

test('the token is where the cumulative probability passes the random number', () => {
  const head = randomHead(1, 24, 2300);
  const { logProbs } = referenceRow(head, 0);
  for (const counter of Array.from({ length: 40 }, (_, i) => i)) {
    const flat = philoxUniform(9, counter);
    const [token] = sample(head, { seed: 9, counter }).tokens;
    const before = logProbs.slice(0, token).reduce((sum, logProb) => sum + Math.exp(logProb), 0);
    expect(before).toBeLessThan(flat + 1e-5);
    expect(before + Math.exp(logProbs[token!]!)).toBeGreaterThan(flat - 1e-5);
  }
});

test('temperature 0 takes the likeliest token, of equal ones the first, with its log-prob at temperature 1', () => {
  const head = randomHead(2, 1, 3000);
  head.x.fill(1);
  for (const token of [1200, 1030, 2999]) head.weight[token] = 9;
  const { tokens, logProbs } = sample(head, { temperature: 0 });
  expect(tokens).toEqual([1030, 1030]);
  expect(logProbs).toEqual([...runHead({ ...head, targets: Int32Array.from(tokens) })[0]!]);
});

test.each([
  [{ topK: 1 }],
  [{ topK: 40 }],
  [{ topP: 0.3 }],
  [{ topP: 0.95 }],
  [{ minP: 0.1 }],
  [{ topK: 100, topP: 0.7 }],
  [{ topK: 30, topP: 0.9, minP: 0.2 }],
  [{ topP: 0.6, minP: 0.01, temperature: 1.6 }],
] as const)('a cut %j leaves the tokens that sorting leaves, with their probabilities', (settings: Settings) => {
  const temperature = settings.temperature ?? 1;
  const head = { ...randomHead(60, 12, 1500, temperature), x: randomHead(1, 12, 1500).x };
  const rows = { ...head, x: Float32Array.from({ length: 720 }, (_, i) => head.x[i % 12]!) };
  const { logProbs } = referenceRow(rows, 0);
  const left = referenceCut(logProbs.map(Math.exp), settings);
  const mass = left.reduce((sum, token) => sum + Math.exp(logProbs[token]!), 0);
  const sampled = sample(rows, { ...settings, temperature });
  for (const [row, token] of sampled.tokens.entries()) {
    expect(left).toContain(token);
    expect(sampled.logProbs[row]).toBeCloseTo(logProbs[token]!, 4);
    expect(sampled.samplingLogProbs[row]).toBeCloseTo(logProbs[token]! - Math.log(mass), 4);
  }
});

test('of equally likely tokens a cut keeps the first', () => {
  const { tokens, samplingLogProbs } = sample(flatHead(200, 5000), { topK: 3 });
  expect(new Set(tokens)).toEqual(new Set([0, 1, 2]));
  expect(samplingLogProbs[0]).toBeCloseTo(-Math.log(3), 6);
});

test.each([[{ topK: 5000 }], [{ topK: 9000, topP: 1, minP: 0 }], [{ minP: 1e-20 }]])(
  'a cut %j that cuts nothing changes no bit',
  (settings) => {
    const head = randomHead(30, 12, 5000, 1);
    expect(sample(head, settings)).toEqual(sample(head, {}));
  },
);

test('rows are sampled independently of those beside them', () => {
  const head = randomHead(64, 20, 2048);
  const all = sample(head, { seed: 5, counter: 2, topP: 0.9 });
  const some = sample(rowsOf(head, 11, 30), { seed: 5, counter: 2, topP: 0.9 });
  expect(some.tokens).toEqual(all.tokens.slice(11, 30));
  expect(some.samplingLogProbs).toEqual(all.samplingLogProbs.slice(11, 30));
});

test('more rows than keep their logits at once are sampled alike', () => {
  const head = randomHead(90, 2, 400_000);
  const all = sample(head, { seed: 1, counter: 1 });
  const last = sample(rowsOf(head, 60, 90), { seed: 1, counter: 1 });
  expect(last.tokens).toEqual(all.tokens.slice(60));
  expect(last.logProbs).toEqual(all.logProbs.slice(60));
});

test('threads and instruction sets change neither a token nor a bit', async () => {
  const head = randomHead(70, 40, 3001);
  const settings = [{}, { temperature: 0 }, { topP: 0.9 }, { topK: 20, minP: 0.01 }, { minP: 0.1, temperature: 0.6 }];
  const heads = [head, { ...head, softcap: 4 }];
  const all = () => heads.flatMap((head) => settings.map((each) => sample(head, each)));
  expect(await onEverySetting(all)).toHaveLength(10);
});

test.each([1, 0.6, 1.5])(
  'tokens at temperature %d are those of a plain float64 loop over the same random numbers',
  (temperature) => {
    const head = randomHead(100, 24, 1300, temperature);
    const expected = Array.from({ length: 100 }, (_, row) => {
      const cumulative = referenceRow(head, row).logProbs.map(
        (
          (sum) => (logProb: number) =>
            (sum += Math.exp(logProb))
        )(0),
      );
      return cumulative.findIndex((sum) => philoxUniform(row * 1_000_003, row) * cumulative.at(-1)! < sum);
    });
    expect(sample(head, { temperature }).tokens).toEqual(expected);
  },
);

test('where products round to bfloat16 the log-probs still have the bits of LinearLogProbs', async () => {
  const addon = await nativeAddon();
  const isa = addon.isa();
  if (!has(addon, 'avx512bf16')) return;
  const head = randomHead(30, 401, 1100);
  const { tokens, logProbs } = sample(head, {});
  const [expected] = runHead({ ...head, targets: Int32Array.from(tokens) });
  addon.useIsa(isa);
  expect(logProbs).toEqual([...expected!]);
  for (const [row, token] of tokens.entries()) {
    expect(logProbs[row]).toBeCloseTo(referenceRow(head, row).logProbs[token]!, 1);
  }
});

test('frequencies are the probabilities', () => {
  const head = { ...flatHead(20_000, 4), weight: Float32Array.from([0.1, 0.2, 0.3, 0.4], Math.log) };
  head.x.fill(1);
  const counts = [0, 0, 0, 0];
  for (const token of sample(head, { seed: 3 }).tokens) counts[token]! += 1;
  // Within four standard deviations of a binomial.
  for (const [token, count] of counts.entries()) {
    const p = (token + 1) / 10;
    expect(Math.abs(count / 20_000 - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 20_000));
  }
});

test('a row whose logits are not finite gets token 0 and NaN', () => {
  const head = { ...randomHead(2, 1, 1500), x: Float32Array.of(1, Number.NaN) };
  const { tokens, logProbs, samplingLogProbs } = sample(head, { topP: 0.5 });
  expect(tokens[1]).toBe(0);
  expect([logProbs[0], samplingLogProbs[0]].every(Number.isFinite)).toBe(true);
  expect([logProbs[1], samplingLogProbs[1]]).toEqual([Number.NaN, Number.NaN]);
});

test('no rows give empty results', () => {
  expect(sample(randomHead(0, 4, 300), {})).toEqual({ tokens: [], logProbs: [], samplingLogProbs: [] });
});

test('a negative temperature is named', () => {
  expect(() => sample(randomHead(1, 4, 300), { temperature: -1 })).toThrow(/temperature -1.* of row 0/);
});

function sample(head: HeadCase, { temperature = 1, topK = 0, topP = 1, minP = 0, seed, counter }: Settings) {
  const { rows, width, vocabulary, x, weight, softcap } = head;
  const [tokens, logProbs, samplingLogProbs] = runKernel(
    'SampleTokens',
    { hidden: tf.tensor2d(x, [rows, width]), weight: tf.tensor2d(weight, [vocabulary, width]) },
    {
      softcap,
      temperature: new Float32Array(rows).fill(temperature),
      topK: new Int32Array(rows).fill(topK),
      topP: new Float32Array(rows).fill(topP),
      minP: new Float32Array(rows).fill(minP),
      seeds: Uint32Array.from({ length: rows }, (_, row) => seed ?? row * 1_000_003),
      counters: Uint32Array.from({ length: rows }, (_, row) => counter ?? row),
    },
  );
  return { tokens: tokens!, logProbs: logProbs!, samplingLogProbs: samplingLogProbs! };
}

/** All logits are 0. */
function flatHead(rows: number, vocabulary: number): HeadCase {
  return { ...randomHead(rows, 1, vocabulary), x: new Float32Array(rows) };
}

/** Top-k, then top-p of what is left, then min-p. */
function referenceCut(probabilities: readonly number[], { topK = 0, topP = 1, minP = 0 }: Settings): number[] {
  const p = (token: number) => probabilities[token]!;
  const ranked = [...probabilities.keys()].sort((a, b) => p(b) - p(a) || a - b);
  const likeliest = topK > 0 ? ranked.slice(0, topK) : ranked;
  const total = likeliest.reduce((sum, token) => sum + p(token), 0);
  let before = 0;
  const left = likeliest.filter((token) => {
    const isLeft = before < Math.fround(topP) * total;
    before += p(token);
    return isLeft;
  });
  return left.filter((token) => p(token) >= Math.fround(minP) * p(ranked[0]!));
}
