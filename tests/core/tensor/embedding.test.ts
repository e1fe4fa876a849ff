import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { embedding } from '../../../core/tensor/embedding.js';
import {
  expectGradients,
  expectNoLeak,
  expectRowsAlone,
  gradients,
  Inputs,
  read,
  withBackends,
} from '../../helpers/gradient.js';

withBackends((backend) => {
  test('each token gets its row of the table', () => {
    const rows = read(() => embedding(table(), tf.tensor1d([2, 0, 2], 'int32')));
    expect(rows).toEqual([5, 6, 1, 2, 5, 6]);
  });

  test('the gradient of a repeated token is the sum over its places, of an absent one 0', () => {
    using inputs = new Inputs(0);
    const weight = inputs.of(table);
    const lookUp = (): tf.Tensor => embedding(weight, tf.tensor1d([2, 0, 2], 'int32'));
    const [gradient] = gradients([weight], lookUp, [1, 10, 2, 20, 4, 40]);
    expect(gradient).toEqual([2, 20, 0, 0, 5, 50]);
  });

  test('the gradient agrees with finite differences', () => {
    using inputs = new Inputs(1);
    const weight = inputs.matrix(4, 3);
    expectGradients([weight], () => embedding(weight, tf.tensor1d([3, 1, 1, 0, 3], 'int32')));
  });

  test('huge and tiny entries come out as they are', () => {
    const extremes = Float32Array.of(3e38, -3e38, 1e-38, -0);
    expect(read(() => embedding(tf.tensor2d(extremes, [4, 1]), tf.tensor1d([3, 2, 1, 0], 'int32')))).toEqual(
      [...extremes].reverse(),
    );
  });

  test('no tokens give no rows, and a gradient of 0', () => {
    using inputs = new Inputs(3);
    const weight = inputs.of(table);
    const none = (): tf.Tensor => embedding(weight, tf.tensor1d([], 'int32'));
    expect(tf.tidy(() => none().shape)).toEqual([0, 2]);
    expect(gradients([weight], none, [])).toEqual([[0, 0, 0, 0, 0, 0]]);
  });

  test('a row of a batch is the row alone', () => {
    using inputs = new Inputs(4);
    const weight = inputs.matrix(17, 51);
    const tokens = Array.from({ length: 13 }, (_, i) => (i * 5) % 17);
    expectRowsAlone(backend, 13, (rows) =>
      embedding(
        weight,
        tf.tensor1d(
          rows.map((row) => tokens[row] ?? 0),
          'int32',
        ),
      ),
    );
  });

  test('shapes and types that do not fit are named in the error', () => {
    using inputs = new Inputs(5);
    const [weight, floats] = [inputs.matrix(3, 2), inputs.vector(4)];
    expect(() => embedding(weight, floats)).toThrow(
      /^embedding: tokens is \[N\] int32; got table \[3, 2\], tokens \[4\]$/,
    );
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(2);
    const weight = inputs.matrix(4, 3);
    const tokens = tf.tensor1d([3, 1, 1], 'int32');
    expectNoLeak([weight], () => embedding(weight, tokens));
    tokens.dispose();
  });
});

/** [3, 2] */
function table(): tf.Tensor2D {
  return tf.tensor2d([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
}
