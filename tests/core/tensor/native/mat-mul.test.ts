import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { Inputs, read } from '../../../helpers/gradient.js';

beforeAll(() => useBackend('native', { threads: 1 }));

const transposes = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

test.each(transposes)('agrees with a plain loop, a transposed %s, b transposed %s', (transposeA, transposeB) => {
  using inputs = new Inputs(1);
  const a = transposeA ? inputs.matrix(50, 37) : inputs.matrix(37, 50);
  const b = transposeB ? inputs.matrix(70, 50) : inputs.matrix(50, 70);
  const expected = naive(a, b, transposeA, transposeB);
  expectClose(
    read(() => tf.matMul(a, b, transposeA, transposeB)),
    expected,
    { relative: 1e-5, absolute: 1e-6 },
  );
});

test('a batch meets one matrix, and batches of one are broadcast', () => {
  using inputs = new Inputs(2);
  const [a, b] = [inputs.cube(3, 5, 7), inputs.matrix(7, 4)];
  const each = tf.tidy(() => tf.unstack(a).flatMap((matrix) => [...tf.matMul(matrix as tf.Tensor2D, b).dataSync()]));
  expect(read(() => tf.matMul(a, tf.expandDims(b)))).toEqual(each);
});

test('wrong shapes are named', () => {
  using inputs = new Inputs(3);
  const [a, b] = [inputs.matrix(3, 4), inputs.matrix(3, 4)];
  expect(() => tf.matMul(a, b)).toThrow(/a \[3, 4\] and b \[3, 4\]/);
});

function naive(a: tf.Tensor2D, b: tf.Tensor2D, transposeA: boolean, transposeB: boolean): number[] {
  const [left, right] = [a.arraySync(), b.arraySync()];
  const rows = transposeA ? a.shape[1] : a.shape[0];
  const inner = transposeA ? a.shape[0] : a.shape[1];
  const columns = transposeB ? b.shape[0] : b.shape[1];
  return Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++)
      sum += (transposeA ? left[k]![i]! : left[i]![k]!) * (transposeB ? right[j]![k]! : right[k]![j]!);
    return sum;
  });
}
