import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { globalNorm } from '../../../core/tensor/global-norm.js';
import { Inputs, withBackends } from '../../helpers/gradient.js';

withBackends(() => {
  test('is the root of the sum of all squares, whatever the shapes', async () => {
    using inputs = new Inputs(0);
    const tensors = [
      inputs.of(() => tf.tensor2d([[2], [-2]])),
      inputs.of(() => tf.tensor1d([4])),
      inputs.of(() => tf.scalar(1)),
    ];
    expect(await globalNorm(tensors)).toBe(5);
  });

  test('a sum of many small squares is not lost in a large one', async () => {
    using inputs = new Inputs(0);
    const ones = inputs.of(() => tf.ones([2 ** 11, 2 ** 14])); // 2^25 squares: a float32 that counts by ones stops at 2^24
    expect(await globalNorm([ones])).toBe(Math.sqrt(2 ** 25));
  });

  test('huge and tiny entries are squared within float32', async () => {
    using inputs = new Inputs(0);
    const [huge, tiny] = [inputs.of(() => tf.tensor1d([1e18])), inputs.of(() => tf.tensor1d([1e-18]))];
    expect((await globalNorm([huge])) / 1e18).toBeCloseTo(1, 6);
    expect((await globalNorm([tiny])) / 1e-18).toBeCloseTo(1, 6);
  });

  test('an entry that is not finite shows', async () => {
    using inputs = new Inputs(0);
    const [nan, infinite] = [Number.NaN, Number.NEGATIVE_INFINITY].map((value) =>
      inputs.of(() => tf.tensor1d([value])),
    );
    expect(await globalNorm([nan!])).toBeNaN();
    expect(await globalNorm([infinite!])).toBe(Number.POSITIVE_INFINITY);
  });

  test('of nothing is 0', async () => {
    using inputs = new Inputs(0);
    expect(await globalNorm([])).toBe(0);
    expect(await globalNorm([inputs.matrix(0, 3), inputs.vector(0)])).toBe(0);
  });

  test('nothing is left', async () => {
    using inputs = new Inputs(1);
    const tensors = [inputs.matrix(3, 4), inputs.vector(3)];
    const before = tf.memory().numTensors;
    await globalNorm(tensors);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a tensor of another type is refused', async () => {
    const ids = tf.tensor1d([1, 2], 'int32');
    await expect(globalNorm([ids])).rejects.toThrow('globalNorm: a tensor is float32; got tensor [2]');
    ids.dispose();
  });
});
