import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { valueLoss } from '../../../core/losses/value-loss.js';
import { expectClose } from '../../helpers/expect-close.js';
import { expectGradients, expectNoLeak, gradients, Inputs, read, withBackends } from '../../helpers/gradient.js';

const settings = { cliprangeValue: 0.5 };

function input(vpreds: tf.Tensor1D, values: readonly number[], returns: readonly number[]) {
  return { vpreds, values: tf.tensor1d([...values]), returns: tf.tensor1d([...returns]) };
}

withBackends(() => {
  test.each([
    { v: 1.2, old: 0.5, to: 2, loss: 0.5, slope: 0, clipped: 1 }, // moved too far towards the return: no more to win
    { v: 1.2, old: 0.5, to: 0, loss: 0.72, slope: 1.2, clipped: 0 }, // moved away from it: pays in full
    { v: 0.6, old: 0.5, to: 1, loss: 0.08, slope: -0.4, clipped: 0 }, // near
    { v: -0.3, old: 0.5, to: -2, loss: 2, slope: 0, clipped: 1 }, // the same below
  ])('a critic that went from $old to $v on its way to $to costs $loss', ({ v, old, to, loss, slope, clipped }) => {
    using inputs = new Inputs(0);
    const vpreds = inputs.of(() => tf.tensor1d([v]));
    const run = () => valueLoss(input(vpreds, [old], [to]), settings);
    const tolerance = { relative: 1e-6, absolute: 1e-6 };
    expectClose(
      read(() => run().losses),
      [loss],
      tolerance,
    );
    expectClose(gradients([vpreds], () => run().losses, [1]).flat(), [slope], tolerance);
    expect(read(() => run().metrics['critic/vf_clipfrac'])).toEqual([clipped]);
  });

  test('the gradient agrees with finite differences away from the corners', () => {
    using inputs = new Inputs(4);
    const vpreds = inputs.of(() => tf.tensor1d([0.1, 1, -0.9, 0.3]));
    expectGradients([vpreds], () => valueLoss(input(vpreds, [0, 0.2, 0, 0.2], [0.5, -1, 1, 0.2]), settings).losses);
  });

  test('no tokens have no losses', () => {
    expect(read(() => valueLoss(input(tf.tensor1d([]), [], []), settings).losses)).toEqual([]);
  });

  test('values far apart stay finite', () => {
    const losses = read(() => valueLoss(input(tf.tensor1d([1e9, -1e9]), [0, 0], [0, 0]), settings).losses);
    expectClose(losses, [5e17, 5e17], { relative: 1e-6, absolute: 0 });
  });

  test('no memory is taken inside a tidy', () => {
    using inputs = new Inputs(1);
    const [vpreds, values, returns] = [inputs.vector(4), inputs.vector(4), inputs.vector(4)];
    expectNoLeak([vpreds], () => tf.tidy(() => valueLoss({ vpreds, values, returns }, settings).losses));
  });
});
