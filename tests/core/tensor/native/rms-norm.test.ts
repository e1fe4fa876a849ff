import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { Rng } from '../../../../core/rng.js';
import { useBackend } from '../../../../core/tensor/backend.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { onEverySetting } from '../../../helpers/native-addon.js';
import { runKernel } from '../../../helpers/run-kernel.js';

beforeAll(() => useBackend('native', { threads: 1 }), 120_000);

const eps = 1e-5;
const tolerance = { relative: 1e-5, absolute: 2e-6 };

function noise(seed: number, length: number): number[] {
  const rng = new Rng(seed);
  return Array.from({ length }, () => Math.fround(rng.float() * 2 - 1));
}

function forward(x: number[], weight: number[], offset = 0): number[] {
  const columns = weight.length;
  const inputs = { x: tf.tensor2d(x, [x.length / columns, columns]), weight: tf.tensor1d(weight) };
  return runKernel('RMSNorm', inputs, { eps, offset }).flat();
}

function backward(dy: number[], x: number[], weight: number[], offset = 0): number[][] {
  const columns = weight.length;
  const shape: [number, number] = [x.length / columns, columns];
  return runKernel(
    'RMSNormGrad',
    { dy: tf.tensor2d(dy, shape), x: tf.tensor2d(x, shape), weight: tf.tensor1d(weight) },
    { eps, offset },
  );
}

/** In float64. */
function expected(dy: number[], x: number[], weight: number[]): { y: number[]; dx: number[]; dWeight: number[] } {
  const columns = weight.length;
  const [y, dx, dWeight]: [number[], number[], number[]] = [[], [], weight.map(() => 0)];
  for (let start = 0; start < x.length; start += columns) {
    const row = x.slice(start, start + columns);
    const scale = 1 / Math.sqrt(row.reduce((sum, a) => sum + a * a, 0) / columns + eps);
    const projection = row.reduce((sum, a, c) => sum + dy[start + c]! * weight[c]! * a * scale, 0) / columns;
    for (const [c, a] of row.entries()) {
      y.push(a * scale * weight[c]!);
      dx.push((dy[start + c]! * weight[c]! - a * scale * projection) * scale);
      dWeight[c]! += dy[start + c]! * a * scale;
    }
  }
  return { y, dx, dWeight };
}

test.each([
  [3, 5],
  [1, 64],
  [100, 130],
])('value and gradients of [%i, %i] agree with a loop in float64', (rows, columns) => {
  const [dy, x, weight] = [noise(1, rows * columns), noise(2, rows * columns), noise(3, columns)];
  const { y, dx, dWeight } = expected(dy, x, weight);
  expectClose(forward(x, weight), y, tolerance);
  const gradients = backward(dy, x, weight);
  expectClose(gradients[0] ?? [], dx, { relative: 1e-4, absolute: 1e-5 });
  expectClose(gradients[1] ?? [], dWeight, { relative: 1e-4, absolute: 1e-5 });
});

test('an offset gives the bits of a weight that has it in it', () => {
  const [dy, x] = [noise(4, 30 * 70), noise(5, 30 * 70)];
  const weight = noise(6, 70);
  const shifted = weight.map((w) => Math.fround(w + 1));
  expect(forward(x, weight, 1)).toEqual(forward(x, shifted));
  expect(backward(dy, x, weight, 1)).toEqual(backward(dy, x, shifted));
});

test('threads and instruction sets change no bit', async () => {
  const [dy, x, weight] = [noise(4, 300 * 130), noise(5, 300 * 130), noise(6, 130)];
  await onEverySetting(() => [forward(x, weight), ...backward(dy, x, weight)]);
});

test('a row alone is what it is among others', () => {
  const [dy, x, weight] = [noise(7, 40 * 70), noise(8, 40 * 70), noise(9, 70)];
  const row = (values: number[]): number[] => values.slice(33 * 70, 34 * 70);
  expect(forward(row(x), weight)).toEqual(row(forward(x, weight)));
  expect(backward(row(dy), row(x), weight)[0]).toEqual(row(backward(dy, x, weight)[0] ?? []));
});

test('NaN stays in its row, and no rows give no gradient', () => {
  expect(forward([1, Number.NaN, 3, 4], [1, 1]).map(Number.isNaN)).toEqual([true, true, false, false]);
  expect(forward([], [1, 1])).toEqual([]);
  expect(backward([], [], [1, 1])).toEqual([[], [0, 0]]);
});
