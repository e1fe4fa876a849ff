import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { geglu } from '../../../core/tensor/geglu.js';
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
  test('the value is gelu(gate) · up, with digits left where the gate is negative', () => {
    const y = read(() => geglu(tf.tensor2d([[0, 1, -1, -5]]), tf.tensor2d([[5, 2, 4, 1]])));
    // F.gelu(torch.tensor([1., -1., -5.], dtype=torch.float64), approximate='tanh') of PyTorch 2.13
    const gelu = [0.8411919906082768, -0.15880800939172324, -2.29179619751e-7];
    expectClose(y, [0, 2 * gelu[0]!, 4 * gelu[1]!, gelu[2]!], { relative: 1e-5, absolute: 0 });
  });

  test('a tiny gate is halved', () => {
    const y = read(() => geglu(tf.tensor2d([[1e-20, -1e-20]]), tf.ones<tf.Rank.R2>([1, 2])));
    expectClose(y, [5e-21, -5e-21], { relative: 1e-6, absolute: 0 });
  });

  test.each([1e4, 1e15, 1e30])('a gate of ±%d lets everything or nothing through, with finite gradients', (far) => {
    using inputs = new Inputs(0);
    const gate = inputs.of(() => tf.tensor2d([[far, -far]]));
    const gated = (): tf.Tensor => geglu(gate, tf.tensor2d([[2, 2]]));
    expectClose(read(gated), [2 * far, 0], { relative: 1e-6, absolute: 0 });
    expectClose(gradients([gate], gated, [1, 1]).flat(), [2, 0], { relative: 0, absolute: 0 });
  });

  test('both gradients agree with finite differences', () => {
    using inputs = new Inputs(1);
    const [gate, up] = [inputs.matrix(3, 4), inputs.matrix(3, 4)];
    expectGradients([gate, up], () => geglu(gate, up));
  });

  test('no rows give no rows', () => {
    using inputs = new Inputs(3);
    const none = inputs.matrix(0, 3);
    expect(tf.tidy(() => geglu(none, none).shape)).toEqual([0, 3]);
    expect(gradients([none], () => geglu(none, none), [])).toEqual([[]]);
  });

  test('a row of a batch is the row alone', () => {
    using inputs = new Inputs(4);
    const [gate, up] = [inputs.matrix(13, 51), inputs.matrix(13, 51)];
    expectRowsAlone(backend, 13, (rows) => geglu(pick(gate, rows), pick(up, rows)));
  });

  test('shapes that do not fit are named in the error', () => {
    using inputs = new Inputs(5);
    const [gate, up] = [inputs.matrix(2, 3), inputs.matrix(2, 1)];
    expect(() => geglu(gate, up)).toThrow(/^geglu: gate and up are \[N, F\]; got gate \[2, 3\], up \[2, 1\]$/);
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(2);
    const [gate, up] = [inputs.matrix(2, 3), inputs.matrix(2, 3)];
    expectNoLeak([gate, up], () => geglu(gate, up));
  });
});
