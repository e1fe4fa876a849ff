import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { sumPiSquared } from '../../../core/tensor/sum-pi-squared.js';
import { expectClose } from '../../helpers/expect-close.js';
import { Inputs, read, withBackends } from '../../helpers/gradient.js';

const float32 = { relative: 1e-5, absolute: 1e-7 };

withBackends(() => {
  test('probabilities 1/4, 1/4 and 1/2 agree with probability 3/8', () => {
    const [x, weight] = [[[1]], [[0], [0], [Math.log(2)]]];
    expectClose(
      read(() => sumPiSquared(tf.tensor2d(x), tf.tensor2d(weight), { temperature: 1 })),
      [3 / 8],
      float32,
    );
  });

  test('logits are capped before they are divided by the temperature', () => {
    const logits = [10, -3, 0.5];
    const weights = logits.map((x) => Math.exp((2 * Math.tanh(x / 2)) / 0.7));
    const total = weights.reduce((a, b) => a + b);
    const weight = logits.map((x) => [x]);
    expectClose(
      read(() => sumPiSquared(tf.tensor2d([[1]]), tf.tensor2d(weight), { temperature: 0.7, softcap: 2 })),
      [weights.reduce((sum, w) => sum + (w / total) ** 2, 0)],
      float32,
    );
  });

  test('nothing is left but the result, and no rows give no rows', () => {
    using inputs = new Inputs(1);
    const [none, x, weight] = [inputs.matrix(0, 3), inputs.matrix(4, 3), inputs.matrix(5, 3)];
    const before = tf.memory().numTensors;
    for (const rows of [none, x]) {
      const result = sumPiSquared(rows, weight, { temperature: 1, softcap: 3 });
      expect(result.shape).toEqual([rows.shape[0]]);
      result.dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
  });
});
