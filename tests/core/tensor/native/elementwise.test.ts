import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { read } from '../../../helpers/gradient.js';
import { onEverySetting } from '../../../helpers/native-addon.js';

beforeAll(() => useBackend('native', { threads: 1 }), 120_000);

const wave = (shape: number[], phase = 0): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(i + phase) + 1.5),
    shape,
  );

const unary: [string, (x: tf.Tensor) => tf.Tensor, (x: number) => number][] = [
  ['neg', tf.neg, (x) => -x],
  ['exp', tf.exp, Math.exp],
  ['square', tf.square, (x) => x * x],
  ['sqrt', tf.sqrt, Math.sqrt],
  ['rsqrt', tf.rsqrt, (x) => 1 / Math.sqrt(x)],
  ['sigmoid', tf.sigmoid, (x) => 1 / (1 + Math.exp(-x))],
  ['tanh', tf.tanh, Math.tanh],
  ['clipByValue', (x) => tf.clipByValue(x, 1, 2), (x) => Math.min(2, Math.max(1, x))],
];

test.each(unary)('%s agrees with Math', (_, op, expected) => {
  const x = read(() => wave([83]));
  expectClose(
    read(() => op(wave([83]))),
    x.map(expected),
    { relative: 1e-6, absolute: 0 },
  );
  expect(read(() => op(tf.zeros([0])))).toEqual([]);
});

test('tanh is within 3 units in the last place wherever it is asked, and odd ends stay', () => {
  const magnitudes = Array.from({ length: 4000 }, (_, i) => Math.fround(1e-30 * 1.0185 ** i));
  const x = magnitudes.flatMap((magnitude) => [magnitude, -magnitude]);
  const y = read(() => tf.tanh(tf.tensor1d(x)));
  expectClose(y, x.map(Math.tanh), { relative: 3 * 2 ** -23, absolute: 0 });
  const ends = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  expect(read(() => tf.tanh(tf.tensor1d(ends)))).toEqual([Number.NaN, 1, -1, 0]);
});

const binary: [string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, (a: number, b: number) => number][] = [
  ['add', tf.add, (a, b) => a + b],
  ['sub', tf.sub, (a, b) => a - b],
  ['mul', tf.mul, (a, b) => a * b],
  ['div', tf.div, (a, b) => a / b],
  ['maximum', tf.maximum, Math.max],
  ['minimum', tf.minimum, Math.min],
];
const shapes: [number[], number[]][] = [
  [
    [5, 19],
    [5, 19],
  ],
  [[5, 19], []],
  [[], [5, 19]],
  [[5, 19], [19]],
  [
    [5, 1],
    [5, 19],
  ],
  [
    [5, 1],
    [1, 19],
  ],
  [
    [2, 3, 19],
    [3, 19],
  ],
  [
    [2, 3, 19],
    [2, 1, 19],
  ],
  [[1, 1], []],
  [[0, 3], [3]],
];

test.each(binary)('%s of every kind of broadcast is what float64 rounds to', (_, op, expected) => {
  for (const [a, b] of shapes) {
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(a, b);
    const [left, right] = [a, b].map((own, i) => read(() => tf.broadcastTo(wave(own, 2 * i), shape)));
    const values = left!.map((x, i) => Math.fround(expected(x, right![i]!)));
    expect(read(() => op(wave(a), wave(b, 2)))).toEqual(values);
  }
});

test('NaN and infinity go through as in tfjs', () => {
  const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];
  const special = (): tf.Tensor => tf.tensor1d([nan, 1, inf, -inf]);
  const other = (): tf.Tensor => tf.tensor1d([1, nan, 1, 1]);
  expect(read(() => tf.maximum(special(), other()))).toEqual([nan, nan, inf, 1]);
  expect(read(() => tf.minimum(special(), other()))).toEqual([nan, nan, 1, -inf]);
  expect(read(() => tf.clipByValue(special(), -2, 2))).toEqual([nan, 1, 2, -2]);
  expect(read(() => tf.exp(special()))).toEqual([nan, Math.fround(Math.E), inf, 0]);
  expect(read(() => tf.sigmoid(special()))).toEqual([
    nan,
    Math.fround(1 / (1 + Math.exp(-1))),
    1,
    expect.closeTo(0, 30),
  ]);
  const [below, above] = read(() => tf.exp(tf.tensor1d([88.7, 88.8])));
  expect([below! / Math.exp(Math.fround(88.7)), above]).toEqual([expect.closeTo(1, 6), inf]);
});

test('addN and where take tensors of one shape', () => {
  expect(read(() => tf.addN([wave([70]), wave([70]), wave([70])]))).toEqual(read(() => tf.mul(wave([70]), 3)));
  const isOdd = tf.tensor1d([1, 0, 1], 'bool');
  expect(read(() => tf.where(isOdd, tf.tensor1d([1, 2, 3]), tf.tensor1d([4, 5, 6])))).toEqual([1, 5, 3]);
  isOdd.dispose();
});

test('integers under a float32 type count as what they are', () => {
  const cast = (): tf.Tensor => tf.cast(tf.tensor1d([1, -2, 3], 'int32'), 'float32');
  expect(read(() => tf.mul(cast(), 0.5))).toEqual([0.5, -1, 1.5]);
  expect(read(() => tf.cast(tf.greater(wave([3]), 2), 'float32'))).toEqual([0, 1, 1]);
  expect(read(() => tf.add(tf.cast(tf.tensor1d([1, 0], 'bool'), 'int32'), tf.scalar(1, 'int32')))).toEqual([2, 1]);
  expect(read(() => tf.add(tf.oneHot(tf.tensor1d([1], 'int32'), 3, 1, 0, 'float32'), 1))).toEqual([1, 2, 1]);
});

test('threads and instruction sets change no bit', async () => {
  await onEverySetting(() =>
    [
      () => tf.exp(wave([40_003])),
      () => tf.mul(wave([300, 131]), wave([131], 1)),
      () => tf.div(wave([300, 1]), wave([300, 131])),
      () => tf.where(tf.greater(wave([40_003]), 1.5), wave([40_003]), wave([40_003], 3)),
    ].map(read),
  );
});
