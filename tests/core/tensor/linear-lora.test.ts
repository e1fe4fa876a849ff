import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { linear } from '../../../core/tensor/linear.js';
import { linearLora } from '../../../core/tensor/linear-lora.js';
import { expectClose } from '../../helpers/expect-close.js';
import {
  expectGradients,
  expectNoLeak,
  expectRowsAlone,
  gradients,
  Inputs,
  pick,
  projectedGradients,
  read,
  withBackends,
} from '../../helpers/gradient.js';

withBackends((backend) => {
  test('the adapter adds its scaled product to the projection', () => {
    const [x, weight, bias] = [
      tf.tensor2d([[1, 2]]),
      tf.tensor2d([
        [3, 4],
        [5, 6],
      ]),
      tf.tensor1d([100, 200]),
    ];
    const adapter = { a: tf.tensor2d([[1, 1]]), b: tf.tensor2d([[1], [-2]]), scale: 0.5 };
    expect(read(() => linearLora(x, weight, adapter))).toEqual([11 + 1.5, 17 - 3]);
    expect(read(() => linearLora(x, weight, adapter, bias))).toEqual([111 + 1.5, 217 - 3]);
    tf.dispose([x, weight, bias, adapter.a, adapter.b]);
  });

  test('with a factor of 0 it is the projection to the bit', () => {
    using inputs = new Inputs(1);
    const [x, weight, bias, a] = [
      inputs.matrix(13, 50),
      inputs.matrix(37, 50),
      inputs.vector(37),
      inputs.matrix(4, 50),
    ];
    const b = inputs.of(() => tf.zeros([37, 4]));
    const adapted = read(() => linearLora(x, weight, { a, b: b as tf.Variable<tf.Rank.R2>, scale: 2 }, bias));
    expect(adapted).toEqual(read(() => linear(x, weight, bias)));
  });

  test('all five gradients agree with finite differences', () => {
    using inputs = new Inputs(2);
    const [x, weight, bias] = [inputs.matrix(3, 4), inputs.matrix(5, 4), inputs.vector(5)];
    const [a, b] = [inputs.matrix(2, 4), inputs.matrix(5, 2)];
    expectGradients([x, weight, bias, a, b], () => linearLora(x, weight, { a, b, scale: 0.7 }, bias));
  });

  test('values and gradients are those of three products', () => {
    using inputs = new Inputs(3);
    const [x, weight, a, b] = [
      inputs.matrix(21, 70),
      inputs.matrix(45, 70),
      inputs.matrix(8, 70),
      inputs.matrix(45, 8),
    ];
    const composed = () => tf.add(linear(x, weight), linear(tf.mul(linear(x, a), 1.5), b));
    const fused = () => linearLora(x, weight, { a, b, scale: 1.5 });
    const near = { relative: 1e-5, absolute: 1e-4 };
    expectClose(read(fused), read(composed), near);
    const [ours, theirs] = [fused, composed].map((f) => projectedGradients([x, a, b], f).flat());
    expectClose(ours ?? [], theirs ?? [], near);
  });

  test('a row of a batch is the row alone', () => {
    using inputs = new Inputs(4);
    const [x, weight, a, b] = [
      inputs.matrix(13, 50),
      inputs.matrix(37, 50),
      inputs.matrix(4, 50),
      inputs.matrix(37, 4),
    ];
    expectRowsAlone(backend, 13, (rows) => linearLora(pick(x, rows), weight, { a, b, scale: 2 }));
  });

  test('no rows give no rows, and gradients of 0', () => {
    using inputs = new Inputs(5);
    const [weight, a, b] = [inputs.matrix(2, 3), inputs.matrix(1, 3), inputs.matrix(2, 1)];
    const none = (): tf.Tensor => linearLora(tf.zeros<tf.Rank.R2>([0, 3]), weight, { a, b, scale: 2 });
    expect(tf.tidy(() => none().shape)).toEqual([0, 2]);
    expect(gradients([a, b], none, [])).toEqual([
      [0, 0, 0],
      [0, 0],
    ]);
  });

  test('a frozen weight costs no product in the backward pass', async () => {
    using inputs = new Inputs(6);
    const [x, weight, a, b] = [inputs.matrix(2, 3), inputs.matrix(4, 3), inputs.matrix(1, 3), inputs.matrix(4, 1)];
    const adapted = () => linearLora(x, weight, { a, b, scale: 2 });
    const { kernels } = await tf.profile(() => gradients([a, b], adapted, Array(8).fill(1)).flat());
    const products = kernels
      .filter(({ name }) => name === 'LinearGradWeight')
      .map(({ outputShapes }) => outputShapes[0]);
    expect(products.toSorted()).toEqual([
      [1, 3],
      [4, 1],
    ]);
    expect(kernels.map(({ name }) => name)).not.toContain('LinearLoraGradX');
  });

  test('shapes that do not fit are named in the error', () => {
    using inputs = new Inputs(7);
    const [x, weight, a, b] = [inputs.matrix(2, 3), inputs.matrix(4, 3), inputs.matrix(1, 3), inputs.matrix(4, 1)];
    expect(() => linearLora(x, weight, { a: b, b, scale: 1 })).toThrow(/^linearLora: a is \[r, In\]/);
    expect(() => linearLora(x, weight, { a, b: a, scale: 1 })).toThrow(/^linearLora: b is \[Out, r\]/);
    const bias = inputs.vector(3);
    expect(() => linearLora(x, weight, { a, b, scale: 1 }, bias)).toThrow(/^linearLora: bias is \[Out\]/);
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(8);
    const [x, weight, a, b] = [inputs.matrix(2, 3), inputs.matrix(4, 3), inputs.matrix(1, 3), inputs.matrix(4, 1)];
    expectNoLeak([x, weight, a, b], () => linearLora(x, weight, { a, b, scale: 2 }));
    expectNoLeak([b], () => linearLora(x, weight, { a, b, scale: 2 }));
  });
});
