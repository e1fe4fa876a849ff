import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { accumulate } from '../../../core/tensor/accumulate.js';
import { Inputs, withBackends } from '../../helpers/gradient.js';

withBackends(() => {
  test('the addend is added to the variable and stays as it was', () => {
    using inputs = new Inputs(0);
    const [sum, addend] = [inputs.of(() => tf.tensor2d([[1, 2]])), inputs.of(() => tf.tensor2d([[10, -20]]))];
    accumulate(sum, addend);
    accumulate(sum, addend);
    expect([...sum.dataSync()]).toEqual([21, -38]);
    expect([...addend.dataSync()]).toEqual([10, -20]);
  });

  test('what is not finite is not hidden', () => {
    using inputs = new Inputs(0);
    const sum = inputs.of(() => tf.tensor1d([1, 3e38, 1]));
    tf.tidy(() => accumulate(sum, tf.tensor1d([Number.NaN, 3e38, Number.NEGATIVE_INFINITY])));
    expect([...sum.dataSync()]).toEqual([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });

  test('nothing added to nothing is nothing', () => {
    using inputs = new Inputs(0);
    const [sum, addend] = [inputs.matrix(0, 3), inputs.matrix(0, 3)];
    accumulate(sum, addend);
    expect([sum.shape, [...sum.dataSync()]]).toEqual([[0, 3], []]);
  });

  test('takes no memory', () => {
    using inputs = new Inputs(1);
    const [sum, addend] = [inputs.matrix(3, 4), inputs.matrix(3, 4)];
    const { numTensors, numBytes } = tf.memory();
    for (let i = 0; i < 3; i++) accumulate(sum, addend);
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
  });

  test('shapes that do not fit are named in the error', () => {
    using inputs = new Inputs(2);
    const [sum, addend] = [inputs.matrix(3, 4), inputs.matrix(4, 3)];
    expect(() => accumulate(sum, addend)).toThrow(/^accumulate: .*; got sum \[3, 4\], addend \[4, 3\]$/);
  });
});
