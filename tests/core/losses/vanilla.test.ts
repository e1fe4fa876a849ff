import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { vanilla, vanillaSettings } from '../../../core/losses/vanilla.js';
import { expectClose } from '../../helpers/expect-close.js';
import { expectGradients, expectNoLeak, gradients, Inputs, read, withBackends } from '../../helpers/gradient.js';
import { lossInput } from '../../helpers/loss-input.js';

const settings = vanillaSettings.parse({ name: 'vanilla' });

withBackends(() => {
  test.each([
    { logRatio: 0, advantage: 1, loss: -1, slope: -1 },
    { logRatio: 0.5, advantage: 1, loss: -1.2, slope: 0 },
    { logRatio: -0.5, advantage: 1, loss: -0.606531, slope: -0.606531 },
    { logRatio: 0.5, advantage: -1, loss: 1.648721, slope: 1.648721 },
    { logRatio: -0.5, advantage: -1, loss: 0.8, slope: 0 },
    { logRatio: 2, advantage: -1, loss: 3, slope: 0 },
    { logRatio: 0.5, advantage: 0, loss: 0, slope: 0 },
  ])('log-ratio $logRatio with advantage $advantage costs $loss', ({ logRatio, advantage, loss, slope }) => {
    using inputs = new Inputs(0);
    const logProbs = inputs.of(() => tf.tensor1d([logRatio - 1]));
    const losses = (): tf.Tensor => vanilla(tokens(logProbs, [-1], [advantage]), settings).losses;
    expectClose(read(losses), [loss], { relative: 0, absolute: 1e-6 });
    expectClose(gradients([logProbs], losses, [1]).flat(), [slope], { relative: 0, absolute: 1e-6 });
  });

  test('log-probs far apart, even infinitely, give finite losses and gradients', () => {
    using inputs = new Inputs(0);
    const logProbs = inputs.of(() => tf.tensor1d([-1e4, -1e4, 0, 0, 0]));
    const old = [0, 0, -1e4, -1e4, Number.NEGATIVE_INFINITY];
    const losses = (): tf.Tensor => vanilla(tokens(logProbs, old, [1, -1, 1, -1, 1]), settings).losses;
    expectClose(read(losses), [0, 0.8, -1.2, 3, -1.2], { relative: 1e-6, absolute: 1e-8 });
    expectClose(gradients([logProbs], losses, [1, 1, 1, 1, 1]).flat(), [0, 0, 0, 0, 0], { relative: 0, absolute: 0 });
  });

  test('the gradient agrees with finite differences away from the corners', () => {
    using inputs = new Inputs(0);
    const logProbs = inputs.of(() => tf.tensor1d([-1, -1.1, -0.4, -1.6, -0.9]));
    const run = () => vanilla(tokens(logProbs, [-1.1, -1, -1, -1, -0.8], [0.7, -1.3, -1, 1, 2]), settings);
    expectGradients([logProbs], () => run().losses);
  });

  test('metrics tell which clip holds and how far the policy moved', () => {
    const logProbs = [0, 0.5, -0.5, 2];
    const metric = (name: string): number[] =>
      read(() => vanilla(tokens(tf.tensor1d(logProbs), [0, 0, 0, 0], [1, 1, -1, -1]), settings).metrics[name]!);
    expect(metric('actor/pg_clipfrac')).toEqual([0, 1, 1, 0]);
    expect(metric('actor/pg_clipfrac_lower')).toEqual([0, 0, 0, 1]);
    expect(metric('actor/ppo_kl').map((kl) => 0 - kl)).toEqual(logProbs);
  });

  test('no memory is taken inside a tidy', () => {
    using inputs = new Inputs(1);
    const logProbs = inputs.vector(4);
    const fixed = tokens(logProbs, [0, 0, 0, 0], [1, -1, 2, 0]);
    expectNoLeak([logProbs], () => tf.tidy(() => vanilla(fixed, settings).losses));
    const { segmentCount: _, logProbs: __, ...tensors } = fixed;
    tf.dispose(tensors);
  });
});

function tokens(logProbs: tf.Tensor1D, oldLogProbs: readonly number[], advantages: readonly number[]) {
  return lossInput({
    logProbs,
    oldLogProbs: tf.tensor1d([...oldLogProbs]),
    advantages: tf.tensor1d([...advantages]),
  });
}
