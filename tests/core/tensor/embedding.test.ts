import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { embedding } from '../../../core/tensor/embedding.js';
import { expectGradients, expectNoLeak, gradients, Inputs, read, withBackends } from '../../helpers/gradient.js';

withBackends(() => {
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

  test('no rows give no rows', () => {
    expect(read(() => embedding(table(), tf.tensor1d([], 'int32')))).toEqual([]);
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
