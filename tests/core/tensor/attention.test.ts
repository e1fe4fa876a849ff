import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { attention } from '../../../core/tensor/attention.js';
import type { AttentionRules } from '../../../core/tensor/attention-rules.js';
import { expectClose } from '../../helpers/expect-close.js';
import {
  expectGradients,
  expectNoLeak,
  Inputs,
  projectedGradients,
  read,
  withBackends,
} from '../../helpers/gradient.js';

const float32 = { relative: 1e-5, absolute: 1e-6 };

withBackends(() => {
  test('the first token sees itself alone, the second weighs both by exp(q · k / sqrt(D))', () => {
    const y = read(() => {
      const q = tf.tensor3d([0, 0, 0, 0, 2 * Math.log(3), 0, 0, 0], [2, 1, 4]);
      const k = tf.tensor3d([1, 0, 0, 0, 0, 1, 0, 0], [2, 1, 4]);
      return attention(q, k, tf.tensor3d([4, 0, 0, 0, 0, 8, 0, 0], [2, 1, 4]), Int32Array.of(0, 2));
    });
    expectClose(y, [4, 0, 0, 0, 3, 2, 0, 0], float32); // scores ln 3 and 0: weights 3/4 and 1/4
  });

  test.each([
    ['as many key heads as query heads', 2, 2],
    ['one key head for two query heads', 4, 2],
    ['one key head for all', 3, 1],
  ])('agrees with a plain loop: %s', (_, heads, kvHeads) => {
    using inputs = new Inputs(heads);
    const { q, k, v } = qkv(inputs, 11, [heads, kvHeads, 4]);
    const offsets = Int32Array.of(0, 5, 6, 6, 11);
    expectClose(
      read(() => attention(q, k, v, offsets)),
      naive(q, k, v, offsets),
      float32,
    );
  });

  test('agrees with a plain loop where a sequence is longer than any block', () => {
    using inputs = new Inputs(12);
    const { q, k, v } = qkv(inputs, 300, [2, 1, 4]);
    const offsets = Int32Array.of(0, 3, 300);
    expectClose(
      read(() => attention(q, k, v, offsets)),
      naive(q, k, v, offsets),
      float32,
    );
  });

  test('a changed later token changes nothing before it', () => {
    using inputs = new Inputs(3);
    const { q, k, v } = qkv(inputs, 4, [2, 1, 4]);
    const before = read(() => attention(q, k, v, Int32Array.of(0, 4)));
    const after = read(() => attention(changeLast(q), changeLast(k), changeLast(v), Int32Array.of(0, 4)));
    expect(after.slice(0, 3 * 8)).toEqual(before.slice(0, 3 * 8));
    expect(after.slice(3 * 8)).not.toEqual(before.slice(3 * 8));
  });

  test('a sequence among others has the value and gradients of the sequence alone, to the bit', () => {
    using inputs = new Inputs(5);
    const { q, k, v } = qkv(inputs, 400, [4, 2, 8]);
    const [start, end] = [7, 290];
    using alone = new Inputs(0);
    const [q1, k1, v1] = [q, k, v].map((x) => alone.of(() => tf.slice(x, start, end - start)));
    const rowsOf = (values: number[], heads: number): number[] => values.slice(start * heads * 8, end * heads * 8);
    const packed = (): tf.Tensor => attention(q, k, v, Int32Array.of(0, start, end, 400));
    const single = (): tf.Tensor => attention(q1!, k1!, v1!, Int32Array.of(0, end - start));
    expect(rowsOf(read(packed), 4)).toEqual(read(single));
    const [dq, dk, dv] = squareGradients([q, k, v], packed);
    expect([rowsOf(dq!, 4), rowsOf(dk!, 2), rowsOf(dv!, 2)]).toEqual(squareGradients([q1!, k1!, v1!], single));
  });

  test('a sequence of one token is its own value', () => {
    using inputs = new Inputs(8);
    const { q, k, v } = qkv(inputs, 2, [2, 1, 2]);
    expect(read(() => attention(q, k, v, Int32Array.of(0, 1, 2)))).toEqual(read(() => tf.tile(v, [1, 2, 1])));
  });

  test('a window of one position leaves each token its own value', () => {
    using inputs = new Inputs(13);
    const { q, k, v } = qkv(inputs, 70, [2, 1, 4]);
    expectClose(
      read(() => attention(q, k, v, Int32Array.of(0, 70), { window: 1 })),
      read(() => tf.tile(v, [1, 2, 1])),
      float32,
    );
  });

  test('a changed token changes those whose window it is in and no other', () => {
    using inputs = new Inputs(14);
    const { q, k, v } = qkv(inputs, 300, [2, 1, 4]);
    const within = (k: tf.Tensor3D, v: tf.Tensor3D) => attention(q, k, v, Int32Array.of(0, 300), { window: 3 });
    const before = read(() => within(k, v));
    const after = read(() => within(changeFirst(k), changeFirst(v)));
    const changed = Array.from({ length: 300 }, (_, row) => before[row * 8] !== after[row * 8]);
    expect(changed).toEqual(Array.from({ length: 300 }, (_, row) => row < 3));
    expect(after.slice(3 * 8)).toEqual(before.slice(3 * 8));
  });

  test('a softcap bounds scores, a scale multiplies q · k', () => {
    const heads = (values: number[]): tf.Tensor3D => tf.tensor3d(values, [2, 1, 1]);
    const y = (rules: AttentionRules) =>
      read(() => attention(heads([0, 1e4]), heads([1, -1]), heads([0, 1]), Int32Array.of(0, 2), rules))[1];
    expectClose([y({ softcap: 0.5 })!], [1 / (1 + Math.E)], float32); // scores 0.5 and -0.5
    expectClose([y({ scale: 1e-4 })!], [1 / (1 + Math.E ** 2)], float32); // scores 1 and -1
  });

  test('a window that hides nothing, no softcap and the usual scale change no bit', () => {
    using inputs = new Inputs(15);
    const { q, k, v } = qkv(inputs, 80, [4, 2, 8]);
    const rules = { scale: 1 / Math.sqrt(8), softcap: 0, window: 80 };
    const [given, usual] = [rules, {}].map((rules) => () => attention(q, k, v, Int32Array.of(0, 80), rules));
    expect(read(given!)).toEqual(read(usual!));
    expect(squareGradients([q, k, v], given!)).toEqual(squareGradients([q, k, v], usual!));
  });

  test('gradients under all rules agree with finite differences', () => {
    using inputs = new Inputs(16);
    const { q, k, v } = qkv(inputs, 6, [4, 2, 2]);
    expectGradients([q, k, v], () => attention(q, k, v, Int32Array.of(0, 5, 6), { scale: 1.5, softcap: 1, window: 3 }));
  });

  test.each([
    [{ scale: 0 }, 'scale must be finite and above 0, unlike 0'],
    [{ softcap: -1 }, 'softcap must be finite and at least 0, unlike -1'],
    [{ softcap: Number.POSITIVE_INFINITY }, 'softcap must be finite and at least 0, unlike Infinity'],
    [{ window: 1.5 }, 'window must be a whole number of positions or 0, unlike 1.5'],
  ])('rules out of range are refused: %o', (rules, message) => {
    const run = (): number[] =>
      read(() => attention(tf.zeros([4, 2, 2]), tf.zeros([4, 1, 2]), tf.zeros([4, 1, 2]), Int32Array.of(0, 4), rules));
    expect(run).toThrow(message);
  });

  test('huge scores pick one key and stay finite', () => {
    const heads = (values: number[]): tf.Tensor3D => tf.tensor3d(values, [3, 1, 1]);
    const y = read(() => attention(heads([1e4, 1e4, 1e4]), heads([1, -1, 2]), heads([5, 6, 7]), Int32Array.of(0, 3)));
    expect(y).toEqual([5, 5, 7]);
  });

  test('no tokens give no rows and gradients of no rows', () => {
    using inputs = new Inputs(9);
    const { q, k, v } = qkv(inputs, 0, [2, 1, 4]);
    expect(read(() => attention(q, k, v, Int32Array.of(0)))).toEqual([]);
    expect(projectedGradients([q, k, v], () => attention(q, k, v, Int32Array.of(0, 0)))).toEqual([[], [], []]);
  });

  test('all three gradients agree with finite differences, with shared key heads', () => {
    using inputs = new Inputs(6);
    const { q, k, v } = qkv(inputs, 5, [4, 2, 2]);
    expectGradients([q, k, v], () => attention(q, k, v, Int32Array.of(0, 3, 5)));
  });

  test('a gradient to one input alone is the one among all three', () => {
    using inputs = new Inputs(10);
    const { q, k, v } = qkv(inputs, 5, [4, 2, 2]);
    const f = (): tf.Tensor => attention(q, k, v, Int32Array.of(0, 3, 5));
    const all = projectedGradients([q, k, v], f);
    for (const [i, input] of [q, k, v].entries()) expect(projectedGradients([input], f)).toEqual([all[i]]);
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(7);
    const { q, k, v } = qkv(inputs, 3, [2, 1, 2]);
    expectNoLeak([q, k, v], () => attention(q, k, v, Int32Array.of(0, 1, 3)));
    expectNoLeak([k], () => attention(q, k, v, Int32Array.of(0, 1, 3)));
  });

  test.each([
    ['heads that do not divide', [4, 3, 2], [4, 2, 2], [0, 4], 'H is a multiple of Hkv'],
    ['rows that differ', [4, 2, 2], [3, 1, 2], [0, 4], 'q and k have the same N'],
    ['sizes that differ', [4, 2, 2], [4, 1, 4], [0, 4], 'q and k have the same D'],
    ['offsets that end early', [4, 2, 2], [4, 1, 2], [0, 3], 'offsets ascend from 0 to N'],
    ['offsets that fall', [4, 2, 2], [4, 1, 2], [0, 3, 2, 4], 'offsets ascend from 0 to N'],
  ] as const)('%s are refused by name and shape', (_, q, k, offsets, rule) => {
    const run = (): number[] =>
      read(() => attention(tf.zeros([...q]), tf.zeros([...k]), tf.zeros([...k]), Int32Array.from(offsets)));
    expect(run).toThrow(rule);
    expect(run).toThrow(`q [${q.join(', ')}], k [${k.join(', ')}]`);
  });
});

function qkv(
  inputs: Inputs,
  rows: number,
  [heads, kvHeads, headDim]: readonly [number, number, number],
): { q: tf.Variable<tf.Rank.R3>; k: tf.Variable<tf.Rank.R3>; v: tf.Variable<tf.Rank.R3> } {
  const [q, k, v] = [heads, kvHeads, kvHeads].map((count) => inputs.cube(rows, count, headDim));
  return { q: q!, k: k!, v: v! };
}

/** Gradients of the sum of squares, which do not depend on a row's place. */
function squareGradients(inputs: readonly tf.Variable[], f: () => tf.Tensor): number[][] {
  return tf.tidy(() => {
    const { grads } = tf.variableGrads(() => tf.sum<tf.Scalar>(tf.square(f())), [...inputs]);
    return inputs.map(({ name }) => [...grads[name]!.dataSync()]);
  });
}

/** Causal attention one score at a time, in float64. */
function naive(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, offsets: Int32Array): number[] {
  const [rows, heads, headDim] = q.shape;
  const [qs, ks, vs] = [q.arraySync(), k.arraySync(), v.arraySync()];
  const out: number[] = [];
  for (let row = 0; row < rows; row++) {
    const first = Math.max(...offsets.filter((offset) => offset <= row));
    for (let h = 0; h < heads; h++) {
      const kvHead = Math.floor((h * k.shape[1]) / heads);
      const weights = Array.from({ length: row - first + 1 }, (_, i) => {
        const dot = qs[row]![h]!.reduce((sum, value, d) => sum + value * ks[first + i]![kvHead]![d]!, 0);
        return Math.exp(dot / Math.sqrt(headDim));
      });
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (let d = 0; d < headDim; d++)
        out.push(weights.reduce((sum, weight, i) => sum + (weight / total) * vs[first + i]![kvHead]![d]!, 0));
    }
  }
  return out;
}

function changeFirst(x: tf.Tensor3D): tf.Tensor3D {
  return tf.reverse(changeLast(tf.reverse(x, 0)), 0);
}

function changeLast(x: tf.Tensor3D): tf.Tensor3D {
  const [rows, heads, headDim] = x.shape;
  const last = tf.ones<tf.Rank.R3>([1, heads, headDim]);
  return tf.add(x, tf.concat3d([tf.zeros([rows - 1, heads, headDim]), last], 0));
}
