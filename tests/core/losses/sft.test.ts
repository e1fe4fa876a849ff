import * as tf from '@tensorflow/tfjs-core';
import { test } from 'vitest';
import { sft } from '../../../core/losses/sft.js';
import { expectClose } from '../../helpers/expect-close.js';
import { gradients, Inputs, read, withBackends } from '../../helpers/gradient.js';
import { lossInput } from '../../helpers/loss-input.js';

const exact = { relative: 1e-6, absolute: 0 };

withBackends(() => {
  test('a token costs minus its log-prob, weighted by its advantage', () => {
    using inputs = new Inputs(0);
    const logProbs = inputs.of(() => tf.tensor1d([-0.5, -2, -3]));
    const losses = (): tf.Tensor =>
      sft(lossInput({ logProbs, advantages: tf.tensor1d([1, 0.5, 0]) }), { name: 'sft' }).losses;
    expectClose(read(losses), [0.5, 1, 0], exact);
    expectClose(gradients([logProbs], losses, [1, 1, 1]).flat(), [-1, -0.5, 0], exact);
  });
});
