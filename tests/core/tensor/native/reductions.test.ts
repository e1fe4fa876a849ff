import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { read } from '../../../helpers/gradient.js';
import { onEverySetting } from '../../../helpers/native-addon.js';
import { runKernel } from '../../../helpers/run-kernel.js';

beforeAll(() => useBackend('native', { threads: 1 }), 120_000);

const wave = (...shape: number[]): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(i)),
    shape,
  );
const sum = (values: number[]): number => values.reduce((total, x) => total + x, 0);
const rowsOf = (values: number[], columns: number): number[][] =>
  Array.from({ length: values.length / columns }, (_, row) => values.slice(row * columns, (row + 1) * columns));
const tolerance = { relative: 1e-6, absolute: 1e-6 };

test.each([5, 33, 20_000])('sum, mean and max along the last axis, and softmax, of rows of %i', (columns) => {
  const rows = rowsOf(
    read(() => wave(3, columns)),
    columns,
  );
  expectClose(
    read(() => tf.sum(wave(3, columns), -1)),
    rows.map(sum),
    tolerance,
  );
  expectClose(
    read(() => tf.mean(wave(3, columns), 1, true)),
    rows.map((row) => sum(row) / columns),
    tolerance,
  );
  expect(read(() => tf.max(wave(3, columns), 1))).toEqual(rows.map((row) => Math.max(...row)));
  const shares = rows.flatMap((row) => {
    const total = sum(row.map(Math.exp));
    return row.map((x) => Math.exp(x) / total);
  });
  expectClose(
    read(() => tf.softmax(wave(3, columns))),
    shares,
    { relative: 3e-6, absolute: 0 },
  );
});

test('sums over all, over the first axes and over a middle one', () => {
  const values = read(() => wave(40, 3, 7));
  const at = (i: number, j: number, k: number): number => values[(i * 3 + j) * 7 + k]!;
  const range = (n: number): number[] => [...Array(n).keys()];
  expectClose(
    read(() => tf.sum(wave(40, 3, 7))),
    [sum(values)],
    tolerance,
  );
  expectClose(
    read(() => tf.mean(wave(40, 3, 7))),
    [sum(values) / 840],
    tolerance,
  );
  const overRows = range(7).map((k) => sum(range(40).flatMap((i) => range(3).map((j) => at(i, j, k)))));
  expectClose(
    read(() => tf.sum(wave(40, 3, 7), [0, 1])),
    overRows,
    tolerance,
  );
  const overMiddle = range(40).flatMap((i) => range(7).map((k) => sum(range(3).map((j) => at(i, j, k)))));
  expectClose(
    read(() => tf.sum(wave(40, 3, 7), 1)),
    overMiddle,
    tolerance,
  );
  expect(tf.tidy(() => tf.sum(wave(40, 3, 7), 2, true).shape)).toEqual([40, 3, 1]);
});

test('SumRows and SquaredNorm agree with a loop, also of nothing', () => {
  const values = rowsOf(
    read(() => wave(100, 19)),
    19,
  );
  const [sums = []] = runKernel('SumRows', { x: wave(100, 19) });
  expectClose(
    sums,
    sums.map((_, c) => sum(values.map((row) => row[c]!))),
    tolerance,
  );
  const squares = sum(values.flat().map((x) => x * x));
  expectClose(runKernel('SquaredNorm', { x: wave(100, 19) }).flat(), [squares], { relative: 1e-7, absolute: 0 });
  expect(runKernel('SumRows', { x: wave(0, 3) })).toEqual([[0, 0, 0]]);
  expect(runKernel('SquaredNorm', { x: wave(0) })).toEqual([[0]]);
  expect(runKernel('SquaredNorm', { x: tf.tensor1d([1, Number.NaN]) })).toEqual([[Number.NaN]]);
});

test('what a long float32 sum would lose is kept', () => {
  const ones = 2 ** 24 + 64;
  expect(runKernel('SquaredNorm', { x: tf.ones([ones]) })).toEqual([[ones]]);
  expect(read(() => tf.sum(tf.ones([ones])))).toEqual([ones]);
});

test('NaN wins wherever it stands, infinity has no softmax', () => {
  for (const place of [0, 3, 16, 34]) {
    const values = Float32Array.from({ length: 35 }, (_, i) => (i === place ? Number.NaN : i));
    expect(read(() => tf.max(tf.tensor1d(values)))).toEqual([Number.NaN]);
  }
  const inf = Number.POSITIVE_INFINITY;
  expect(
    read(() =>
      tf.softmax(
        tf.tensor2d([
          [-inf, 0],
          [inf, 0],
        ]),
      ),
    ),
  ).toEqual([0, 1, Number.NaN, Number.NaN]);
  expect(read(() => tf.max(tf.tensor1d([-inf, -inf])))).toEqual([-inf]);
});

test('neither threads, instruction sets nor other rows change a bit', async () => {
  const one = await onEverySetting(() => [
    ...[tf.sum, tf.mean, tf.max].map((op) => read(() => op(wave(3, 40_001), 1))),
    read(() => tf.softmax(wave(3, 40_001))),
    ...runKernel('SumRows', { x: wave(1000, 67) }),
    ...runKernel('SquaredNorm', { x: wave(100_001) }),
  ]);
  const second = (): tf.Tensor => tf.slice(wave(3, 40_001), [1, 0], [1, 40_001]);
  expect(read(() => tf.softmax(second()))).toEqual(one[3]!.slice(40_001, 80_002));
  expect(read(() => tf.sum(second()))).toEqual([one[0]![1]]);
});
