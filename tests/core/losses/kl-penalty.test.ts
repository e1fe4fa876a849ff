import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import {
  isKlPenalty,
  type KlPenalty,
  klPenalties,
  klPenalty,
  klPenaltyValues,
} from '../../../core/losses/kl-penalty.js';
import { expectClose } from '../../helpers/expect-close.js';
import { expectGradients, expectNoLeak, gradients, Inputs, read, withBackends } from '../../helpers/gradient.js';

const tolerance = { relative: 0, absolute: 1e-6 };

test.each([
  ['k1', [0.5, -1]],
  ['abs', [0.5, 1]],
  ['k2', [0.125, 0.5]],
  ['k3', [0.106531, 0.718282]],
] as const)('%s of -1 against -1.5 and of -2 against -1', (type, expected) => {
  expectClose(klPenaltyValues(type, [-1, -2], [-1.5, -1]), expected, tolerance);
});

test.each([
  ['kl', 'k1'],
  ['mse', 'k2'],
  ['low_var_kl', 'k3'],
  ['kl+', 'k1'],
  ['k1+', 'k1'],
  ['low_var_kl+', 'k3'],
  ['k3+', 'k3'],
] as const)('the value of %s is that of %s', (type, same) => {
  expect(klPenaltyValues(type, [-1, -2], [-1.5, -1])).toEqual(klPenaltyValues(same, [-1, -2], [-1.5, -1]));
});

test('k3 is at most 10 and finite even where the reference gives no probability', () => {
  expect(klPenaltyValues('k3', [-50, 0, 0], [0, -50, Number.NEGATIVE_INFINITY])).toEqual([10, 10, 10]);
});

test('no tokens have no penalty, and names are known by their whole spelling', () => {
  expect(klPenaltyValues('k2', [], [])).toEqual([]);
  expect(['k3+', 'k4', 'abs+', ''].map(isKlPenalty)).toEqual([true, false, false, false]);
});

withBackends(() => {
  test.each(klPenalties)('%s of tensors is %s of numbers', (type) => {
    using inputs = new Inputs(3);
    const [logProbs, refLogProbs] = [inputs.vector(9), inputs.vector(9)];
    const expected = klPenaltyValues(type, [...logProbs.dataSync()], [...refLogProbs.dataSync()]);
    expectClose(
      read(() => klPenalty(type, logProbs, refLogProbs)),
      expected,
      { relative: 1e-6, absolute: 1e-6 },
    );
  });

  test.each(['k1', 'abs', 'k2', 'k3'] as const)('the gradient of %s agrees with finite differences', (type) => {
    using inputs = new Inputs(5);
    const logProbs = inputs.vector(9);
    const refLogProbs = inputs.of(() => tf.sub<tf.Tensor1D>(logProbs, [0.3, -0.2, 0.5, 1, -1, 0.7, -0.4, 0.1, 2]));
    expectGradients([logProbs], () => klPenalty(type, logProbs, refLogProbs));
  });

  test.each(['kl+', 'k1+', 'low_var_kl+', 'k3+'] as const)('the gradient of %s is that of k2', (type) => {
    using inputs = new Inputs(7);
    const [logProbs, refLogProbs] = [inputs.vector(4), inputs.vector(4)];
    const slopeOf = (one: KlPenalty) =>
      gradients([logProbs], () => klPenalty(one, logProbs, refLogProbs), [1, 2, -1, 0]);
    expect(slopeOf(type)).toEqual(slopeOf('k2'));
  });

  test('where policy and reference agree every penalty is 0, and only k1 has a slope', () => {
    using inputs = new Inputs(7);
    const logProbs = inputs.vector(1);
    const same = [...logProbs.dataSync()];
    for (const type of klPenalties) {
      const penalty = () => klPenalty(type, logProbs, tf.tensor1d(same));
      expectClose(read(penalty), [0], tolerance);
      const slope = type === 'k1' || type === 'kl' ? 1 : 0;
      expectClose(gradients([logProbs], penalty, [1]).flat(), [slope], tolerance);
    }
  });

  test.each(['k3', 'k1+'] as const)('%s takes no memory inside a tidy', (type) => {
    using inputs = new Inputs(1);
    const [logProbs, refLogProbs] = [inputs.vector(4), inputs.vector(4)];
    expectNoLeak([logProbs], () => tf.tidy(() => klPenalty(type, logProbs, refLogProbs)));
  });
});
