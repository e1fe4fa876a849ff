import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { type HeadOutput, linearLogProbs } from '../../../core/tensor/linear-log-probs.js';
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

const float32 = { relative: 1e-5, absolute: 1e-6 };

withBackends((backend) => {
  test('probabilities 1/4, 1/4 and 1/2 give their logarithms and 1.5 ln 2 nats', () => {
    const head = (target: number): number[] =>
      both(() =>
        linearLogProbs(tf.tensor2d([[1]]), logitWeights([0, 0, Math.log(2)]), targetIds(target), { temperature: 1 }),
      );
    expectClose(head(0), [-Math.log(4), 1.5 * Math.LN2], float32);
    expectClose(head(2), [-Math.log(2), 1.5 * Math.LN2], float32);
  });

  test.each([0.5, 1, 2])('agrees with a plain loop at temperature %f', (temperature) => {
    using inputs = new Inputs(1);
    const [x, weight] = [inputs.matrix(4, 6), inputs.matrix(9, 6)];
    const ids = [3, 0, 8, 3];
    const actual = both(() => linearLogProbs(x, weight, targetIds(...ids), { temperature }));
    expectClose(actual, naive(x, weight, ids, temperature), float32);
  });

  test.each([0.5, 20])('agrees with a plain loop whose logits are capped at %f', (softcap) => {
    using inputs = new Inputs(8);
    const [x, weight] = [inputs.matrix(4, 6), inputs.matrix(9, 6)];
    const ids = [3, 0, 8, 3];
    const actual = both(() => linearLogProbs(x, weight, targetIds(...ids), { temperature: 0.7, softcap }));
    expectClose(actual, naive(x, weight, ids, 0.7, softcap), float32);
  });

  test('equal logits over V tokens have entropy ln V', () => {
    const equal = both(() =>
      linearLogProbs(tf.zeros<tf.Rank.R2>([1, 2]), tf.ones<tf.Rank.R2>([50, 2]), targetIds(7), { temperature: 1 }),
    );
    expectClose(equal, [-Math.log(50), Math.log(50)], float32);
  });

  test('logits of ±1e4 give finite log-probs, no entropy and finite gradients', () => {
    using inputs = new Inputs(0);
    const x = inputs.of(() => tf.tensor2d([[1], [1]]));
    const weight = inputs.of(() => logitWeights([1e4, -1e4, 0]));
    const head = (): tf.Tensor => stacked(linearLogProbs(x, weight, targetIds(0, 1), { temperature: 1 }));
    expectClose(read(head), [0, -2e4, 0, 0], { relative: 0, absolute: 0 });
    const [dx, dWeight] = gradients([x, weight], head, [1, 1, 1, 1]);
    expectClose(dx ?? [], [0, -2e4], { relative: 0, absolute: 0 }); // of row 1: weight[1] - weight[0]
    expectClose(dWeight ?? [], [-1, 1, 0], { relative: 0, absolute: 0 });
  });

  test('a row of a batch is the row alone', () => {
    using inputs = new Inputs(2);
    const [x, weight] = [inputs.matrix(13, 50), inputs.matrix(71, 50)];
    const ids = Array.from({ length: 13 }, (_, i) => (i * 31) % 71);
    const head = (rows: readonly number[]): HeadOutput =>
      linearLogProbs(pick(x, rows), weight, targetIds(...rows.map((row) => ids[row]!)), { temperature: 0.9 });
    expectRowsAlone(backend, 13, (rows) => head(rows).logProbs);
    expectRowsAlone(backend, 13, (rows) => head(rows).entropy);
  });

  test.each([0, 0.6])(
    'computing in pieces changes no row, and sums the gradient of the weight; softcap %d',
    (softcap) => {
      using inputs = new Inputs(5);
      const [x, weight, dLogProbs, dEntropy] = [
        inputs.matrix(5, 4),
        inputs.matrix(7, 4),
        inputs.vector(5),
        inputs.vector(5),
      ];
      const run = (maxLogits: number): number[][] =>
        tf.tidy(() => {
          const [given, settings] = [
            { x, weight, targets: targetIds(6, 0, 3, 3, 1) },
            { temperature: 0.7, softcap, isWeightFrozen: false, maxLogits },
          ];
          const outputs = tf.engine().runKernel<tf.Tensor[]>('LinearLogProbs', given, settings);
          const backward = { ...given, dLogProbs, dEntropy, entropy: outputs[1]!, logSumExp: outputs[2]! };
          const gradients = tf.engine().runKernel<tf.Tensor[]>('LinearLogProbsGrad', backward, settings);
          return [...outputs, ...gradients].map((tensor) => [...tensor.dataSync()]);
        });
      const [whole, pieces] = [run(5 * 7), run(2 * 7)]; // two, two and one rows
      const exact = backend.startsWith('node') ? float32 : { relative: 0, absolute: 0 };
      for (const [i, values] of whole.entries()) expectClose(pieces[i] ?? [], values, i < 4 ? exact : float32);
    },
  );

  test('no rows give no rows, and gradients of 0', () => {
    using inputs = new Inputs(6);
    const [x, weight] = [inputs.matrix(0, 2), inputs.matrix(3, 2)];
    const none = (): tf.Tensor => stacked(linearLogProbs(x, weight, targetIds(), { temperature: 1 }));
    expect(tf.tidy(() => none().shape)).toEqual([2, 0]);
    expect(gradients([x, weight], none, [])).toEqual([[], [0, 0, 0, 0, 0, 0]]);
  });

  test('shapes and types that do not fit are named in the error', () => {
    using inputs = new Inputs(7);
    const [x, weight, floats] = [inputs.matrix(2, 3), inputs.matrix(5, 4), inputs.vector(2)];
    expect(() => linearLogProbs(x, weight, floats, { temperature: 1 })).toThrow(
      /^linearLogProbs: weight is \[V, C\].*x \[2, 3\], weight \[5, 4\], targets \[2\]$/,
    );
    expect(() => linearLogProbs(weight, weight, floats, { temperature: 1 })).toThrow(
      'linearLogProbs: targets is [N] int32',
    );
  });

  test.each([
    ['log-prob', (head: HeadOutput) => head.logProbs],
    ['entropy', (head: HeadOutput) => head.entropy],
    ['sum of both', (head: HeadOutput) => tf.add(head.logProbs, head.entropy)],
  ])('both gradients of the %s agree with finite differences', (_, part) => {
    using inputs = new Inputs(3);
    const [x, weight] = [inputs.matrix(3, 3), inputs.matrix(5, 3)];
    expectGradients([x, weight], () => part(linearLogProbs(x, weight, targetIds(4, 0, 4), { temperature: 0.7 })));
  });

  test.each([0.4, 3])('with a softcap of %f both gradients agree with finite differences', (softcap) => {
    using inputs = new Inputs(9);
    const [x, weight] = [inputs.matrix(3, 3), inputs.matrix(5, 3)];
    expectGradients([x, weight], () =>
      stacked(linearLogProbs(x, weight, targetIds(4, 0, 4), { temperature: 0.7, softcap })),
    );
  });

  test.each([0, 2])('a frozen weight leaves dx its bits; softcap %d', (softcap) => {
    using inputs = new Inputs(10);
    const [x, weight] = [inputs.matrix(6, 5), inputs.matrix(70, 5)];
    const head = (isWeightFrozen: boolean) => (): tf.Tensor =>
      tf.tidy(() => {
        const rules = { temperature: 0.7, softcap, isWeightFrozen };
        return stacked(linearLogProbs(x, weight, targetIds(4, 0, 69, 3, 3, 1), rules));
      });
    expect(projectedGradients([x], head(true))).toEqual(projectedGradients([x], head(false)));
    expectNoLeak([x], head(true));
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(4);
    const [x, weight] = [inputs.matrix(2, 3), inputs.matrix(5, 3)];
    const ids = targetIds(1, 2);
    expectNoLeak([x, weight], () => {
      const { logProbs, entropy } = linearLogProbs(x, weight, ids, { temperature: 1 });
      entropy.dispose();
      return logProbs;
    });
    ids.dispose();
  });
});

/** Log-probs, then entropies. */
function both(compute: () => HeadOutput): number[] {
  return read(() => stacked(compute()));
}

function stacked({ logProbs, entropy }: HeadOutput): tf.Tensor {
  return tf.stack([logProbs, entropy]);
}

function targetIds(...ids: number[]): tf.Tensor1D {
  return tf.tensor1d(ids, 'int32');
}

/** [V, 1]: with x = 1 the weights are the logits. */
function logitWeights(logits: readonly number[]): tf.Tensor2D {
  return tf.tensor2d([...logits], [logits.length, 1]);
}

/** In float64, without the shift by the maximum. */
function naive(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  ids: readonly number[],
  temperature: number,
  softcap = 0,
): number[] {
  const cap = (logit: number): number => (softcap === 0 ? logit : softcap * Math.tanh(logit / softcap));
  const [rows, weights] = [x.arraySync(), weight.arraySync()];
  const distributions = rows.map((row) => {
    const exponentials = weights.map((w) =>
      Math.exp(cap(w.reduce((sum, wi, i) => sum + wi * row[i]!, 0)) / temperature),
    );
    const total = exponentials.reduce((sum, value) => sum + value, 0);
    return exponentials.map((value) => value / total);
  });
  const entropies = distributions.map((ps) => ps.reduce((sum, p) => sum - p * Math.log(p), 0));
  return [...distributions.map((ps, i) => Math.log(ps[ids[i]!]!)), ...entropies];
}
