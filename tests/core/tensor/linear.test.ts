import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { linear } from '../../../core/tensor/linear.js';
import { expectGradients, expectNoLeak, Inputs, read, withBackends } from '../../helpers/gradient.js';

withBackends(() => {
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

  test('both gradients agree with finite differences', () => {
    using inputs = new Inputs(1);
    const [x, weight] = [inputs.matrix(3, 4), inputs.matrix(5, 4)];
    expectGradients([x, weight], () => linear(x, weight));
  });

  test('rows do not see each other', () => {
    using inputs = new Inputs(2);
    const [x, weight] = [inputs.matrix(3, 8), inputs.matrix(5, 8)];
    const alone = read(() => linear(tf.slice2d(x, [1, 0], [1, 8]), weight));
    expect(read(() => linear(x, weight)).slice(5, 10)).toEqual(alone);
  });

  test('no rows give no rows', () => {
    expect(read(() => linear(tf.zeros<tf.Rank.R2>([0, 3]), tf.ones<tf.Rank.R2>([4, 3])))).toEqual([]);
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(3);
    const [x, weight] = [inputs.matrix(2, 3), inputs.matrix(4, 3)];
    expectNoLeak([x, weight], () => linear(x, weight));
  });
});
