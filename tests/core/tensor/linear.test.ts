import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { linear } from '../../../core/tensor/linear.js';
import { expectClose } from '../../helpers/expect-close.js';
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
  test('a row of the result is the row times each row of the weight', () => {
    const y = read(() =>
      linear(
        tf.tensor2d([[1, 2]]),
        tf.tensor2d([
          [3, 4],
          [5, 6],
          [0, -1],
        ]),
      ),
    );
    expect(y).toEqual([11, 17, -2]);
  });

  test('the bias is added to every row', () => {
    const y = read(() => linear(tf.tensor2d([[1], [2]]), tf.tensor2d([[3], [4]]), tf.tensor1d([10, 20])));
    expect(y).toEqual([13, 24, 16, 28]);
  });

  test('huge and tiny numbers come out as they are', () => {
    const y = read(() =>
      linear(
        tf.tensor2d([[1e30, 1e-30]]),
        tf.tensor2d([
          [1e8, 0],
          [0, 1e-5],
        ]),
      ),
    );
    expectClose(y, [1e38, 1e-35], { relative: 1e-6, absolute: 0 });
  });

  test('all three gradients agree with finite differences', () => {
    using inputs = new Inputs(1);
    const [x, weight, bias] = [inputs.matrix(3, 4), inputs.matrix(5, 4), inputs.vector(5)];
    expectGradients([x, weight, bias], () => linear(x, weight, bias));
  });

  test('a row of a batch is the row alone', () => {
    using inputs = new Inputs(2);
    const [x, weight, bias] = [inputs.matrix(13, 50), inputs.matrix(37, 50), inputs.vector(37)];
    expectRowsAlone(backend, 13, (rows) => linear(pick(x, rows), weight, bias));
  });

  test('no rows give no rows, and a gradient of 0 to weight and bias', () => {
    using inputs = new Inputs(4);
    const [weight, bias] = [inputs.matrix(2, 3), inputs.vector(2)];
    const none = (): tf.Tensor => linear(tf.zeros<tf.Rank.R2>([0, 3]), weight, bias);
    expect(tf.tidy(() => none().shape)).toEqual([0, 2]);
    expect(gradients([weight, bias], none, [])).toEqual([
      [0, 0, 0, 0, 0, 0],
      [0, 0],
    ]);
  });

  test('shapes that do not fit are named in the error', () => {
    using inputs = new Inputs(5);
    const [x, weight, bias] = [inputs.matrix(2, 3), inputs.matrix(4, 5), inputs.vector(5)];
    expect(() => linear(x, weight)).toThrow(/^linear: weight is \[Out, In\].*x \[2, 3\], weight \[4, 5\]/);
    expect(() => linear(weight, weight, bias)).toThrow(/^linear: bias is \[Out\].*bias \[5\]/);
  });

  test('a frozen weight costs no product in the backward pass', async () => {
    using inputs = new Inputs(6);
    const [x, weight] = [inputs.matrix(2, 3), inputs.matrix(4, 3)];
    const { kernelNames } = await tf.profile(() => gradients([x], () => linear(x, weight), Array(8).fill(1)).flat());
    expect(kernelNames).toContain('LinearGradX');
    expect(kernelNames).not.toContain('LinearGradWeight');
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(3);
    const [x, weight, bias] = [inputs.matrix(2, 3), inputs.matrix(4, 3), inputs.vector(4)];
    expectNoLeak([x, weight, bias], () => linear(x, weight, bias));
    expectNoLeak([weight], () => linear(x, weight)); // x needs no gradient
  });
});
