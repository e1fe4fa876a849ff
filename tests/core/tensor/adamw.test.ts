import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { AdamW, type AdamWSettings } from '../../../core/tensor/adamw.js';
import { expectClose } from '../../helpers/expect-close.js';
import { Inputs, read, withBackends } from '../../helpers/gradient.js';

const settings: AdamWSettings = { lr: 0.1, betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0 };
const float32 = { relative: 1e-5, absolute: 1e-6 };

withBackends(() => {
  test('two steps worked by hand', () => {
    using inputs = new Inputs(0);
    const weight = inputs.of(() => tf.tensor2d([[1, -1]]));
    using optimizer = new AdamW([weight]);
    apply(optimizer, [[[2, -0.5]]], settings);
    // m = 0.1 g, v = 0.01 g²; both corrected to g and g²: a step of lr · sign(g)
    expectClose([...weight.dataSync()], [0.9, -0.9], float32);
    apply(optimizer, [[[-1, -0.5]]], settings);
    // first entry: m = 0.9 · 0.2 - 0.1 = 0.08, v = 0.99 · 0.04 + 0.01 = 0.0496; corrected by 0.19 and 0.0199
    const step = (0.1 * (0.08 / 0.19)) / Math.sqrt(0.0496 / 0.0199);
    expectClose([...weight.dataSync()], [0.9 - step, -0.8], float32);
  });

  test('weight decay shrinks matrices by lr · decay and leaves vectors alone', () => {
    using inputs = new Inputs(0);
    const [matrix, vector] = [inputs.of(() => tf.tensor2d([[2]])), inputs.of(() => tf.tensor1d([2]))];
    using optimizer = new AdamW([matrix, vector]);
    apply(optimizer, [[[0]], [0]], { ...settings, weightDecay: 0.5 });
    expectClose([...matrix.dataSync(), ...vector.dataSync()], [2 * (1 - 0.1 * 0.5), 2], float32);
  });

  test('decay does not enter the moments', () => {
    using inputs = new Inputs(0);
    const weight = inputs.of(() => tf.tensor2d([[4]]));
    using optimizer = new AdamW([weight]);
    apply(optimizer, [[[1]]], { ...settings, weightDecay: 0.5 });
    expectClose([...weight.dataSync()], [4 * 0.95 - 0.1], float32);
    const { first, second } = optimizer.moments;
    expectClose(
      [first[0]!, second[0]!].flatMap((moment) => [...moment.dataSync()]),
      [0.1, 0.01],
      float32,
    );
  });

  test('tiny and huge gradients take the same finite step', () => {
    using inputs = new Inputs(0);
    const weight = inputs.of(() => tf.tensor2d([[0, 0]]));
    using optimizer = new AdamW([weight]);
    apply(optimizer, [[[1e-4, 1e15]]], settings);
    expectClose([...weight.dataSync()], [-0.1, -0.1], { relative: 1e-3, absolute: 0 }); // eps / |g| = 1e-4
  });

  test('the gradient is scaled before it enters the moments', () => {
    using inputs = new Inputs(0);
    const weight = inputs.of(() => tf.tensor1d([1, 1]));
    using optimizer = new AdamW([weight]);
    tf.tidy(() => optimizer.apply([tf.tensor1d([4, -8])], settings, 0.25));
    const { first, second } = optimizer.moments;
    const moments = [first[0]!, second[0]!].flatMap((moment) => [...moment.dataSync()]);
    expectClose(moments, [0.1, -0.2, 0.01, 0.04], float32);
  });

  test('a variable without entries stays one', () => {
    using inputs = new Inputs(0);
    const [empty, weight] = [inputs.matrix(0, 3), inputs.of(() => tf.tensor1d([1]))];
    using optimizer = new AdamW([empty, weight]);
    tf.tidy(() => optimizer.apply([tf.zeros([0, 3]), tf.tensor1d([1])], settings));
    expect(empty.shape).toEqual([0, 3]);
    expectClose([...weight.dataSync()], [0.9], float32);
  });

  test('an entry is updated as it would be alone', () => {
    using inputs = new Inputs(1);
    const [values, gradient] = [inputs.vector(51), inputs.vector(51)];
    const [all, alone] = [inputs.of(() => tf.clone(values)), inputs.of(() => tf.slice1d(values, 50, 1))];
    using optimizer = new AdamW([all, alone]);
    tf.tidy(() => optimizer.apply([gradient, tf.slice1d(gradient, 50, 1)], settings));
    expect([...alone.dataSync()]).toEqual([...all.dataSync().slice(50)]);
  });

  test('gradients that do not fit are refused before anything is changed', () => {
    using inputs = new Inputs(2);
    const [good, bad] = [inputs.matrix(1, 2), inputs.matrix(2, 1)];
    const before = [...good.dataSync()];
    using optimizer = new AdamW([good, bad]);
    expect(() => optimizer.apply([good, good], settings)).toThrow(/^AdamW: .*variable \[2, 1\], gradient \[1, 2\]$/);
    expect([optimizer.step, ...good.dataSync()]).toEqual([0, ...before]);
  });

  test('a missing gradient is refused', () => {
    using inputs = new Inputs(0);
    const weight = inputs.matrix(1, 1);
    using optimizer = new AdamW([weight]);
    expect(() => optimizer.apply([], settings)).toThrow('one gradient a variable');
  });

  test('steps take no memory, and disposing frees the moments', () => {
    using inputs = new Inputs(0);
    const weight = inputs.matrix(2, 2);
    const before = tf.memory().numTensors;
    const optimizer = new AdamW([weight]);
    const [owned, bytes] = [tf.memory().numTensors, tf.memory().numBytes];
    for (let i = 0; i < 3; i++)
      apply(
        optimizer,
        [
          [
            [1, 2],
            [3, 4],
          ],
        ],
        settings,
      );
    expect(owned).toBe(before + 2);
    expect([tf.memory().numTensors, tf.memory().numBytes]).toEqual([owned, bytes]);
    optimizer[Symbol.dispose]();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('moments start at 0 and the step count at 0', () => {
    using inputs = new Inputs(0);
    const weight = inputs.matrix(1, 2);
    using optimizer = new AdamW([weight]);
    const { first, second } = optimizer.moments;
    expect(read(() => tf.concat([first[0]!, second[0]!]))).toEqual([0, 0, 0, 0]);
    expect(optimizer.step).toBe(0);
  });
});

function apply(optimizer: AdamW, gradients: readonly tf.TensorLike[], settings: AdamWSettings): void {
  tf.tidy(() =>
    optimizer.apply(
      gradients.map((gradient) => tf.tensor(gradient)),
      settings,
    ),
  );
}
