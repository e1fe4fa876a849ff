import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { choosePolicyLoss, policyLossSettings } from '../../../core/algorithms.js';
import { expectClose } from '../../helpers/expect-close.js';
import { expectGradients, expectNoLeak, Inputs, withBackends } from '../../helpers/gradient.js';
import { policyLossNames } from '../../helpers/policy-loss-names.js';
import { inputOf, type Tokens, tokenLosses } from '../../helpers/token-losses.js';

/** Their gradients are not those of their values, by design: part of the value is a constant. */
const detached = ['gspo', 'cispo', 'dppo_tv', 'dppo_kl', 'reinforce'];

/** Ratios away from the corners of every loss, two sequences, an expert's last. */
const tokens = {
  logProbs: [-1, -1.1, -0.4, -1.6, -0.9],
  oldLogProbs: [-1.1, -1.05, -1.1, -1.1, -1.02],
  advantages: [0.7, -1.3, -1, 1, 2],
  isOffPolicy: [0, 0, 0, 1, 1],
  prepared: [0, 1, 0, 1, 0],
  lengths: [3, 2],
} as const satisfies Tokens;

const farApart: Tokens = {
  logProbs: [-1e4, -1e4, 0, 0, -80, -1e4],
  oldLogProbs: [0, 0, -1e4, -1e4, -80, -1e4],
  advantages: [1, -1, 1, -1, 0, 1],
  isOffPolicy: [0, 0, 0, 0, 1, 1],
  prepared: [1, 1, 1, 1, 0, 0],
  lengths: [1, 1, 1, 1, 2],
};

withBackends(() => {
  test.each(policyLossNames.filter((name) => !detached.includes(name)))(
    'the gradient of %s agrees with finite differences away from the corners',
    (name) => {
      using inputs = new Inputs(0);
      const logProbs = inputs.of(() => tf.tensor1d([...tokens.logProbs]));
      expectGradients([logProbs], () => lossesAt(name, logProbs));
    },
  );

  test.each(policyLossNames)('%s of log-probs far apart is finite, and so are its gradient and metrics', (name) => {
    const { losses, slopes, metrics } = tokenLosses({ name }, farApart);
    for (const values of [losses, slopes, ...Object.values(metrics)]) {
      expect(values).toHaveLength(farApart.logProbs.length);
      expect(values.every(Number.isFinite), `${values}`).toBe(true);
    }
  });

  test.each(policyLossNames)('%s of no tokens is an empty list', (name) => {
    const { losses, metrics } = tokenLosses({ name }, { logProbs: [], lengths: [] });
    expect([losses, ...Object.values(metrics)].flat()).toEqual([]);
  });

  test.each(policyLossNames)('%s takes no memory inside a tidy', (name) => {
    using inputs = new Inputs(0);
    const logProbs = inputs.of(() => tf.tensor1d([...tokens.logProbs]));
    expectNoLeak([logProbs], () => lossesAt(name, logProbs));
  });

  test.each(policyLossNames)('%s of a sequence does not depend on its neighbour', (name) => {
    const alone = tokenLosses({ name }, { ...sliced(3), lengths: [3] });
    const together = tokenLosses({ name }, tokens);
    expectClose(together.losses.slice(0, 3), alone.losses, { relative: 1e-6, absolute: 1e-7 });
    expectClose(together.slopes.slice(0, 3), alone.slopes, { relative: 1e-6, absolute: 1e-7 });
  });

  test.each(policyLossNames.filter((name) => name !== 'geo_mean' && name !== 'reinforce'))(
    'losses of %s are multiplied by the weights of rollout correction',
    (name) => {
      const weights = [1, 2, 0, 0.5, 3];
      const plain = tokenLosses({ name }, tokens).losses;
      const { losses } = tokenLosses({ name }, { ...tokens, rolloutIsWeights: weights });
      expectClose(
        losses,
        plain.map((loss, i) => loss * weights[i]!),
        { relative: 1e-6, absolute: 1e-7 },
      );
    },
  );
});

test.each(policyLossNames)('%s needs no setting but its name', (name) => {
  expect(policyLossSettings.safeParse({ name }).success).toBe(true);
  expect(policyLossSettings.safeParse({ name, clipRatioMiddle: 1 }).success).toBe(false);
});

/** Of the tokens with these log-probs in place of their own. */
function lossesAt(name: string, logProbs: tf.Tensor1D): tf.Tensor {
  return tf.tidy(() => choosePolicyLoss({ name }).loss({ ...inputOf(tokens), logProbs }).losses);
}

function sliced(end: number) {
  const { lengths: _, ...columns } = tokens;
  return {
    logProbs: columns.logProbs.slice(0, end),
    oldLogProbs: columns.oldLogProbs.slice(0, end),
    advantages: columns.advantages.slice(0, end),
    isOffPolicy: columns.isOffPolicy.slice(0, end),
    prepared: columns.prepared.slice(0, end),
  };
}
