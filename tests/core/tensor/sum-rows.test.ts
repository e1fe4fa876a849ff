import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { sumRows } from '../../../core/tensor/sum-rows.js';
import { expectClose } from '../../helpers/expect-close.js';
import { Inputs, read, withBackends } from '../../helpers/gradient.js';

withBackends(() => {
  test('each column is summed', () => {
    expect(read(() => sumRows(tf.tensor2d([1, 2, 3, 10, 20, 30], [2, 3])))).toEqual([11, 22, 33]);
  });

  test('agrees with a plain loop for sizes that fill no block', () => {
    using inputs = new Inputs(1);
    const x = inputs.matrix(37, 51);
    const rows = x.arraySync();
    const sums = rows[0]!.map((_, column) => rows.reduce((sum, row) => sum + row[column]!, 0)); // in float64
    expectClose(
      read(() => sumRows(x)),
      sums,
      { relative: 1e-5, absolute: 1e-5 },
    );
  });

  test('huge numbers of both signs cancel', () => {
    expect(read(() => sumRows(tf.tensor2d([3e38, -3e38, -3e38, 3e38], [2, 2])))).toEqual([0, 0]);
  });

  test('no rows give zeros', () => {
    expect(read(() => sumRows(tf.zeros<tf.Rank.R2>([0, 3])))).toEqual([0, 0, 0]);
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(2);
    const x = inputs.matrix(2, 3);
    const before = tf.memory().numTensors;
    sumRows(x).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a shape that does not fit is named in the error', () => {
    using inputs = new Inputs(3);
    const cube: tf.Tensor = inputs.cube(1, 2, 3);
    expect(() => sumRows(cube as tf.Tensor2D)).toThrow(/^sumRows: x is \[N, C\] float32; got x \[1, 2, 3\]$/);
  });
});
