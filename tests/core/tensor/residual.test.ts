import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { residual } from '../../../core/tensor/residual.js';
import {
  expectGradients,
  expectNoLeak,
  expectRowsAlone,
  gradients,
  Inputs,
  pick,
  read,
  withBackends,
} from '../../helpers/gradient.js';

withBackends((backend) => {
  test('the value is the sum', () => {
    expect(read(() => residual(tf.tensor2d([[1, 2]]), tf.tensor2d([[10, -2]])))).toEqual([11, 0]);
  });

  test('the largest numbers add up or overflow as numbers do', () => {
    const sum = read(() => residual(tf.tensor2d([[3e38, 1e38, 1]]), tf.tensor2d([[3e38, 1e38, 2 ** -25]])));
    expect(sum).toEqual([Number.POSITIVE_INFINITY, Math.fround(Math.fround(1e38) * 2), 1]);
  });

  test('both gradients agree with finite differences, also of a sum with itself', () => {
    using inputs = new Inputs(1);
    const [x, branch] = [inputs.matrix(3, 4), inputs.matrix(3, 4)];
    expectGradients([x, branch], () => residual(x, residual(branch, x)));
    expectGradients([x], () => residual(x, x));
  });

  test('no rows give no rows', () => {
    using inputs = new Inputs(3);
    const none = inputs.matrix(0, 3);
    expect(tf.tidy(() => residual(none, none).shape)).toEqual([0, 3]);
    expect(gradients([none], () => residual(none, none), [])).toEqual([[]]);
  });

  test('a row of a batch is the row alone', () => {
    using inputs = new Inputs(4);
    const [x, branch] = [inputs.matrix(13, 51), inputs.matrix(13, 51)];
    expectRowsAlone(backend, 13, (rows) => residual(pick(x, rows), pick(branch, rows)));
  });

  test('shapes that do not fit are named in the error', () => {
    using inputs = new Inputs(5);
    const [x, branch] = [inputs.matrix(2, 3), inputs.matrix(2, 1)];
    expect(() => residual(x, branch)).toThrow(/^residual: x and branch are \[N, C\]; got x \[2, 3\], branch \[2, 1\]$/);
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(2);
    const [x, branch] = [inputs.matrix(2, 3), inputs.matrix(2, 3)];
    expectNoLeak([x, branch], () => residual(x, branch));
  });
});
