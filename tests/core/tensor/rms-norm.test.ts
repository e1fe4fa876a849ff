import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { rmsNorm } from '../../../core/tensor/rms-norm.js';
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

const float32 = { relative: 1e-6, absolute: 1e-7 };

withBackends((backend) => {
  test('a row is divided by its root mean square and scaled by the weight', () => {
    const y = read(() =>
      rmsNorm(
        tf.tensor2d([
          [3, 4],
          [0, 0],
        ]),
        tf.tensor1d([1, 2]),
        0.5,
      ),
    );
    const scale = 1 / Math.sqrt(12.5 + 0.5); // mean(9, 16) + eps
    expectClose(y, [3 * scale, 8 * scale, 0, 0], float32);
  });

  test('an offset is added to the weight', () => {
    const y = read(() => rmsNorm(tf.tensor2d([[3, 4]]), tf.tensor1d([-1, 0.5]), 0.5, 1));
    expectClose(y, [0, 6 / Math.sqrt(13)], float32);
  });

  test('large and tiny rows have the same norm', () => {
    const y = read(() =>
      rmsNorm(
        tf.tensor2d([
          [3e15, 4e15],
          [3e-15, 4e-15],
        ]),
        tf.tensor1d([1, 1]),
        0,
      ),
    );
    const scale = Math.sqrt(2) / 5;
    expectClose(y, [3 * scale, 4 * scale, 3 * scale, 4 * scale], float32);
  });

  test('both gradients agree with finite differences', () => {
    using inputs = new Inputs(1);
    const [x, weight] = [inputs.matrix(3, 4), inputs.vector(4)];
    expectGradients([x, weight], () => rmsNorm(x, weight, 1e-2));
  });

  test('with an offset both gradients agree with finite differences', () => {
    using inputs = new Inputs(6);
    const [x, weight] = [inputs.matrix(3, 4), inputs.vector(4)];
    expectGradients([x, weight], () => rmsNorm(x, weight, 1e-2, 1));
  });

  test('the gradient of a row of zeros is finite', () => {
    using inputs = new Inputs(0);
    const x = inputs.of(() => tf.zeros<tf.Rank.R2>([1, 2]));
    const [gradient = []] = gradients([x], () => rmsNorm(x, tf.tensor1d([1, 1]), 1e-6), [1, 1]);
    expectClose(gradient, [1000, 1000], float32); // 1 / sqrt(eps)
  });

  test('no rows give no rows, and a gradient of 0 to the weight', () => {
    using inputs = new Inputs(3);
    const weight = inputs.vector(3);
    const none = (): tf.Tensor => rmsNorm(tf.zeros<tf.Rank.R2>([0, 3]), weight, 1e-6);
    expect(tf.tidy(() => none().shape)).toEqual([0, 3]);
    expect(gradients([weight], none, [])).toEqual([[0, 0, 0]]);
  });

  test('a row of a batch is the row alone', () => {
    using inputs = new Inputs(4);
    const [x, weight] = [inputs.matrix(13, 50), inputs.vector(50)];
    expectRowsAlone(backend, 13, (rows) => rmsNorm(pick(x, rows), weight, 1e-6));
  });

  test('shapes that do not fit are named in the error', () => {
    using inputs = new Inputs(5);
    const [x, weight] = [inputs.matrix(2, 3), inputs.vector(4)];
    expect(() => rmsNorm(x, weight, 1e-6)).toThrow(/^rmsNorm: weight is \[C\].*x \[2, 3\], weight \[4\]/);
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(2);
    const [x, weight] = [inputs.matrix(3, 4), inputs.vector(4)];
    expectNoLeak([x, weight], () => rmsNorm(x, weight, 1e-6));
    expectNoLeak([x, weight], () => rmsNorm(x, weight, 1e-6, 1));
  });
});
