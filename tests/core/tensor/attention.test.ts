import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { attention } from '../../../core/tensor/attention.js';
import { expectClose } from '../../helpers/expect-close.js';
import { expectGradients, expectNoLeak, Inputs, read, withBackends } from '../../helpers/gradient.js';

const float32 = { relative: 1e-5, absolute: 1e-6 };

withBackends((backend) => {
  test('the first token sees itself alone, the second weighs both by exp(q · k / sqrt(D))', () => {
    const y = read(() => {
      const q = tf.tensor4d([0, 0, 0, 0, 2 * Math.log(3), 0, 0, 0], [1, 2, 1, 4]);
      const k = tf.tensor4d([1, 0, 0, 0, 0, 1, 0, 0], [1, 2, 1, 4]);
      return attention(q, k, tf.tensor4d([4, 0, 0, 0, 0, 8, 0, 0], [1, 2, 1, 4]));
    });
    expectClose(y, [4, 0, 0, 0, 3, 2, 0, 0], float32); // scores ln 3 and 0: weights 3/4 and 1/4
  });

  test.each([
    ['as many key heads as query heads', 2, 2],
    ['one key head for two query heads', 4, 2],
    ['one key head for all', 3, 1],
  ])('agrees with a plain loop: %s', (_, heads, kvHeads) => {
    using inputs = new Inputs(heads);
    const [q, k, v] = [inputs.heads(2, 5, heads, 4), inputs.heads(2, 5, kvHeads, 4), inputs.heads(2, 5, kvHeads, 4)];
    expectClose(
      read(() => attention(q, k, v)),
      naive(q, k, v),
      float32,
    );
  });

  test('a changed later token changes nothing before it', () => {
    using inputs = new Inputs(3);
    const [q, k, v] = [inputs.heads(1, 4, 2, 4), inputs.heads(1, 4, 1, 4), inputs.heads(1, 4, 1, 4)];
    const before = read(() => attention(q, k, v));
    const after = read(() => attention(changeLast(q), changeLast(k), changeLast(v)));
    expect(after.slice(0, 3 * 8)).toEqual(before.slice(0, 3 * 8));
    expect(after.slice(3 * 8)).not.toEqual(before.slice(3 * 8));
  });

  test(`padding on the right changes nothing${backend === 'cpu' ? ', to the bit' : ''}`, () => {
    using inputs = new Inputs(4);
    const [q, k, v] = [inputs.heads(1, 5, 4, 8), inputs.heads(1, 5, 2, 8), inputs.heads(1, 5, 2, 8)];
    const padded = read(() => tf.slice(attention(pad(q), pad(k), pad(v)), [0, 0, 0, 0], [1, 5, 4, 8]));
    const tolerance = backend === 'cpu' ? { relative: 0, absolute: 0 } : float32;
    expectClose(
      padded,
      read(() => attention(q, k, v)),
      tolerance,
    );
  });

  test('a row of a batch is the row alone', () => {
    using inputs = new Inputs(5);
    const [q, k, v] = [inputs.heads(3, 4, 2, 4), inputs.heads(3, 4, 1, 4), inputs.heads(3, 4, 1, 4)];
    const second = (x: tf.Tensor4D): tf.Tensor4D => tf.slice4d(x, [1, 0, 0, 0], [1, ...tail(x)]);
    expect(read(() => second(attention(q, k, v)))).toEqual(read(() => attention(second(q), second(k), second(v))));
  });

  test('a sequence of one token is its own value', () => {
    using inputs = new Inputs(8);
    const [q, k, v] = [inputs.heads(2, 1, 2, 2), inputs.heads(2, 1, 1, 2), inputs.heads(2, 1, 1, 2)];
    expect(read(() => attention(q, k, v))).toEqual(read(() => tf.tile(v, [1, 1, 2, 1])));
  });

  test('huge scores pick one key and stay finite', () => {
    const y = read(() => {
      const q = tf.tensor4d([1e4, 1e4, 1e4], [1, 3, 1, 1]);
      return attention(q, tf.tensor4d([1, -1, 2], [1, 3, 1, 1]), tf.tensor4d([5, 6, 7], [1, 3, 1, 1]));
    });
    expect(y).toEqual([5, 5, 7]);
  });

  test('all three gradients agree with finite differences, with shared key heads', () => {
    using inputs = new Inputs(6);
    const [q, k, v] = [inputs.heads(2, 3, 4, 2), inputs.heads(2, 3, 2, 2), inputs.heads(2, 3, 2, 2)];
    expectGradients([q, k, v], () => attention(q, k, v));
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(7);
    const [q, k, v] = [inputs.heads(1, 3, 2, 2), inputs.heads(1, 3, 1, 2), inputs.heads(1, 3, 1, 2)];
    expectNoLeak([q, k, v], () => attention(q, k, v));
  });
});

/** Causal attention one score at a time, in float64. */
function naive(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D): number[] {
  const [batch, length, heads, headDim] = q.shape;
  const [qs, ks, vs] = [q, k, v].map((x) => at(x));
  const out: number[] = [];
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < length; t++)
      for (let h = 0; h < heads; h++) {
        const kvHead = Math.floor((h * k.shape[2]) / heads);
        const weights = Array.from({ length: t + 1 }, (_, s) => {
          let score = 0;
          for (let d = 0; d < headDim; d++) score += qs!(b, t, h, d) * ks!(b, s, kvHead, d);
          return Math.exp(score / Math.sqrt(headDim));
        });
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let d = 0; d < headDim; d++)
          out.push(weights.reduce((sum, weight, s) => sum + (weight / total) * vs!(b, s, kvHead, d), 0));
      }
  return out;
}

function at(x: tf.Tensor4D): (b: number, t: number, h: number, d: number) => number {
  const values = x.dataSync();
  const [, length, heads, headDim] = x.shape;
  return (b, t, h, d) => values[((b * length + t) * heads + h) * headDim + d] ?? Number.NaN;
}

function tail(x: tf.Tensor4D): [number, number, number] {
  return [x.shape[1], x.shape[2], x.shape[3]];
}

/** Two more positions of large numbers, which a leak would carry into the result. */
function pad(x: tf.Tensor4D): tf.Tensor4D {
  return tf.pad4d(
    x,
    [
      [0, 0],
      [0, 2],
      [0, 0],
      [0, 0],
    ],
    50,
  );
}

function changeLast(x: tf.Tensor4D): tf.Tensor4D {
  const [batch, length, heads, headDim] = x.shape;
  const change = tf.pad4d(tf.ones<tf.Rank.R4>([batch, 1, heads, headDim]), [
    [0, 0],
    [length - 1, 0],
    [0, 0],
    [0, 0],
  ]);
  return tf.add(x, change);
}
