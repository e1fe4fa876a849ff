import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { onEverySetting } from '../../../helpers/native-addon.js';
import { type HeadCase, randomHead, referenceRow, rowsOf, runHead, runHeadGrad } from '../../../helpers/native-head.js';

beforeAll(() => useBackend('native', { threads: 2 }));

let tensorsBefore = 0;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => expect(tf.memory().numTensors, 'tensors left behind').toBe(tensorsBefore));

const sizes = [
  [1, 5, 3],
  [7, 16, 263],
  [3, 390, 1024],
  [100, 24, 1025],
  [40, 33, 3100],
] as const;

test.each(sizes)('%i rows of width %i over %i tokens agree with a plain loop', (rows, width, vocabulary) => {
  const head = randomHead(rows, width, vocabulary, 0.8);
  const [logProbs, entropy, logSumExp] = runHead(head).map((values) => [...values]);
  const expected = Array.from({ length: rows }, (_, row) => referenceRow(head, row));
  const tolerance = { relative: 1e-5, absolute: 1e-5 };
  const chosen = expected.map((row, i) => row.logProbs[head.targets[i]!]!);
  expectClose(logProbs!, chosen, tolerance);
  expectClose(
    entropy!,
    expected.map((row) => row.entropy),
    tolerance,
  );
  expect(logSumExp!.every(Number.isFinite)).toBe(true);
});

const gradientSizes = [
  [1, 5, 3],
  [7, 16, 263],
  [4, 390, 30],
  [50, 6, 1025],
  [20, 3, 3100],
] as const;

test.each(gradientSizes)(
  'gradients of %i rows of width %i over %i tokens agree with a plain loop',
  (rows, width, vocabulary) => {
    const head = randomHead(rows, width, vocabulary, 1.25);
    const dLogProbs = Float32Array.from({ length: rows }, (_, i) => Math.sin(i + 1));
    const dEntropy = Float32Array.from({ length: rows }, (_, i) => Math.cos(i) / 4);
    const [dx, dWeight] = runHeadGrad(head, dLogProbs, dEntropy);
    const expected = referenceGradients(head, dLogProbs, dEntropy);
    const tolerance = { relative: 1e-4, absolute: 2e-5 };
    expectClose(dx!, expected.dx, tolerance);
    expectClose(dWeight!, expected.dWeight, tolerance);
  },
);

test.each([0, 3])('a row alone has the bits it has among others, with a softcap of %d', (softcap) => {
  const head = { ...randomHead(230, 50, 2100, 0.7), softcap };
  const all = runHead(head);
  for (const [begin, end] of [
    [0, 1],
    [17, 18],
    [95, 103],
    [200, 230],
  ] as const) {
    const alone = runHead(rowsOf(head, begin, end));
    expect(alone).toEqual(all.map((values) => values.slice(begin, end)));
  }
});

test.each([
  [7, 16, 263, 2],
  [50, 6, 1025, 30],
  [20, 3, 3100, 0.5],
])('%i rows of width %i over %i tokens, capped at %f, agree with a plain loop', (rows, width, vocabulary, softcap) => {
  const head = { ...randomHead(rows, width, vocabulary, 0.8), softcap };
  const [logProbs, entropy] = runHead(head).map((values) => [...values]);
  const expected = Array.from({ length: rows }, (_, row) => referenceRow(head, row));
  const close = (actual: number[] | undefined, values: number[]) =>
    expectClose(actual ?? [], values, { relative: 1e-5, absolute: 1e-5 });
  close(
    logProbs,
    expected.map((row, i) => row.logProbs[head.targets[i]!]!),
  );
  close(
    entropy,
    expected.map((row) => row.entropy),
  );
  const [dLogProbs, dEntropy] = gradientsOfRows(rows);
  const [dx, dWeight] = runHeadGrad(head, dLogProbs, dEntropy);
  const gradients = referenceGradients(head, dLogProbs, dEntropy);
  expectClose(dx!, gradients.dx, { relative: 1e-4, absolute: 2e-5 });
  expectClose(dWeight!, gradients.dWeight, { relative: 1e-4, absolute: 2e-5 });
});

test.each([
  [0, 2100, 8, 1200],
  [3, 50, 40, 3100],
])(
  'a frozen weight leaves dx its bits: softcap %d, %i rows of width %i over %i tokens',
  (softcap, rows, width, tokens) => {
    const head = { ...randomHead(rows, width, tokens, 0.7), softcap };
    const [dLogProbs, dEntropy] = gradientsOfRows(rows);
    const [dx] = runHeadGrad(head, dLogProbs, dEntropy);
    expect(runHeadGrad({ ...head, isWeightFrozen: true }, dLogProbs, dEntropy)).toEqual([dx]);
  },
);

test('a capped head is finite where a logit is infinite, and NaN where one is NaN', () => {
  const head = { ...randomHead(3, 1, 1100), x: Float32Array.of(1, Number.NaN, 1e30), softcap: 30 };
  head.weight[1090] = 1e10;
  for (const values of runHead(head)) expect([...values].map(Number.isNaN)).toEqual([false, true, false]);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('a softcap of %d is named', (softcap) => {
  const head = { ...randomHead(3, 4, 263), softcap };
  expect(() => runHead(head)).toThrow(/LinearLogProbs: softcap .* is neither 0 nor from 1e-30 to 1e30/);
});

test('more rows than go through the vocabulary together change neither values nor gradients', () => {
  const head = randomHead(2100, 8, 1200);
  const all = runHead(head);
  expect(runHead(rowsOf(head, 2040, 2060))).toEqual(all.map((values) => values.slice(2040, 2060)));
  const d = Float32Array.from({ length: 2100 }, (_, i) => (i >= 2040 && i < 2060 ? 1 : 0));
  const [dx, dWeight] = runHeadGrad(head, d, d);
  const [dxAlone, dWeightAlone] = runHeadGrad(rowsOf(head, 2040, 2060), d.slice(2040, 2060), d.slice(2040, 2060));
  expect(dx!.slice(2040 * 8, 2060 * 8)).toEqual(dxAlone);
  expect(dWeight).toEqual(dWeightAlone);
});

test.each([0, 2])('threads and instruction sets change no bit, with a softcap of %d', async (softcap) => {
  const head = { ...randomHead(14, 390, 1100, 0.7), softcap };
  const dLogProbs = Float32Array.from({ length: 14 }, (_, i) => Math.sin(i));
  const dEntropy = Float32Array.from({ length: 14 }, (_, i) => Math.cos(i) / 8);
  const computed = await onEverySetting(() => [...runHead(head), ...runHeadGrad(head, dLogProbs, dEntropy)]);
  expect(computed.map(({ length }) => length)).toEqual([14, 14, 14, 14 * 390, 1100 * 390]);
});

test('extreme logits stay exact: a certain target has log-prob 0 and entropy 0, an impossible one its distance', () => {
  const head = { ...randomHead(2, 1, 2000), x: Float32Array.of(1000, 1000), weight: new Float32Array(2000) };
  head.weight[1500] = 1;
  head.targets.set([1500, 3]);
  expect(runHead(head).map((values) => [...values])).toEqual([
    [0, -1000],
    [0, 0],
    [1000, 1000],
  ]);
});

test.each([Number.NaN, 1e30, -1e30])('a row of %d whose logits are not finite is NaN, the others are not', (value) => {
  const head = { ...randomHead(3, 1, 1100), x: Float32Array.of(1, value, 1) };
  head.weight[1090] = 1e10;
  for (const values of runHead(head)) expect([...values].map(Number.isNaN)).toEqual([false, true, false]);
});

test('no rows give empty results and a gradient of zeros', () => {
  const head = randomHead(0, 4, 300);
  expect(runHead(head).map((values) => values.length)).toEqual([0, 0, 0]);
  const [dx, dWeight] = runHeadGrad(head, new Float32Array(0), new Float32Array(0));
  expect(dx).toHaveLength(0);
  expect(dWeight).toEqual(new Float32Array(1200));
});

test('a temperature that is not above 0 is named', () => {
  expect(() => runHead(randomHead(3, 4, 263, 0))).toThrow('LinearLogProbs: temperature 0.000000 is not above 0');
});

test('a target outside of the vocabulary is named', () => {
  const head = randomHead(3, 4, 263);
  head.targets[2] = 263;
  expect(() => runHead(head)).toThrow('LinearLogProbs: target 263 of row 2 is not in [0, 263)');
});

function gradientsOfRows(rows: number): readonly [dLogProbs: Float32Array, dEntropy: Float32Array] {
  const wave = (f: (x: number) => number) => Float32Array.from({ length: rows }, (_, i) => f(i + 1));
  return [wave(Math.sin), wave((x) => Math.cos(x) / 4)];
}

function referenceGradients(head: HeadCase, dLogProbs: Float32Array, dEntropy: Float32Array) {
  const { rows, width, vocabulary, x, weight, targets, temperature, softcap } = head;
  const dx = new Float64Array(rows * width);
  const dWeight = new Float64Array(vocabulary * width);
  for (let row = 0; row < rows; row++) {
    const { logProbs, entropy } = referenceRow(head, row);
    for (const [token, logProb] of logProbs.entries()) {
      const towardsTarget = ((token === targets[row] ? 1 : 0) - Math.exp(logProb)) * dLogProbs[row]!;
      const dCapped = (towardsTarget - Math.exp(logProb) * (logProb + entropy) * dEntropy[row]!) / temperature;
      const dLogit = dCapped * (softcap === 0 ? 1 : 1 - Math.tanh(logitOf(head, row, token) / softcap) ** 2);
      for (let k = 0; k < width; k++) {
        dx[row * width + k]! += dLogit * weight[token * width + k]!;
        dWeight[token * width + k]! += dLogit * x[row * width + k]!;
      }
    }
  }
  return { dx, dWeight };
}

function logitOf({ width, x, weight }: HeadCase, row: number, token: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += x[row * width + k]! * weight[token * width + k]!;
  return sum;
}
