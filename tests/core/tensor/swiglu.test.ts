import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { swiglu } from '../../../core/tensor/swiglu.js';
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
  test('the value is gate · sigmoid(gate) · up', () => {
    const y = read(() => swiglu(tf.tensor2d([[0, Math.log(3), -Math.log(3)]]), tf.tensor2d([[5, 2, 4]])));
    expectClose(y, [0, 1.5 * Math.log(3), -Math.log(3)], { relative: 1e-6, absolute: 1e-7 }); // sigmoid(ln 3) = 3/4
  });

  test('an extreme gate lets everything or nothing through, with finite gradients', () => {
    using inputs = new Inputs(0);
    const gate = inputs.of(() => tf.tensor2d([[1e4, -1e4]]));
    const gated = (): tf.Tensor => swiglu(gate, tf.tensor2d([[2, 2]]));
    expectClose(read(gated), [2e4, 0], { relative: 0, absolute: 0 });
    expectClose(gradients([gate], gated, [1, 1]).flat(), [2, 0], { relative: 0, absolute: 0 });
  });

  test('both gradients agree with finite differences', () => {
    using inputs = new Inputs(1);
    const [gate, up] = [inputs.matrix(3, 4), inputs.matrix(3, 4)];
    expectGradients([gate, up], () => swiglu(gate, up));
  });

  test('no rows give no rows', () => {
    using inputs = new Inputs(3);
    const none = inputs.matrix(0, 3);
    expect(tf.tidy(() => swiglu(none, none).shape)).toEqual([0, 3]);
    expect(gradients([none], () => swiglu(none, none), [])).toEqual([[]]);
  });

  test('a row of a batch is the row alone', () => {
    using inputs = new Inputs(4);
    const [gate, up] = [inputs.matrix(13, 51), inputs.matrix(13, 51)];
    expectRowsAlone(backend, 13, (rows) => swiglu(pick(gate, rows), pick(up, rows)));
  });

  test('shapes that do not fit are named in the error', () => {
    using inputs = new Inputs(5);
    const [gate, up] = [inputs.matrix(2, 3), inputs.matrix(2, 1)];
    expect(() => swiglu(gate, up)).toThrow(/^swiglu: gate and up are \[N, F\]; got gate \[2, 3\], up \[2, 1\]$/);
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(2);
    const [gate, up] = [inputs.matrix(2, 3), inputs.matrix(2, 3)];
    expectNoLeak([gate, up], () => swiglu(gate, up));
  });
});
