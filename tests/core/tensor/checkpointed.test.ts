import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { checkpointed } from '../../../core/tensor/checkpointed.js';
import { linear } from '../../../core/tensor/linear.js';
import { rmsNorm } from '../../../core/tensor/rms-norm.js';
import { swiglu } from '../../../core/tensor/swiglu.js';
import { variableGradients } from '../../../core/tensor/variable-gradients.js';
import {
  expectGradients,
  expectNoLeak,
  gradients,
  Inputs,
  projectedGradients,
  read,
  withBackends,
} from '../../helpers/gradient.js';
import { type Probe, probed } from '../../helpers/probe.js';

/** Residual feed-forward block: x [N, C], gain [C], weight [C, C]. */
function block(x: tf.Tensor2D, gain: tf.Tensor1D, weight: tf.Tensor2D): tf.Tensor2D {
  const hidden = linear(rmsNorm(x, gain, 1e-6), weight);
  return tf.add(x, linear(swiglu(hidden, hidden), weight));
}

withBackends(() => {
  test('value and gradients of a stack of layers are the same to the bit', () => {
    using inputs = new Inputs(1);
    const stack = twoLayers(inputs);
    const [plain, saving] = [() => stack(block), () => stack(checkpointed(block))];
    expect(read(saving)).toEqual(read(plain));
    expect(projectedGradients(inputs.all, saving)).toEqual(projectedGradients(inputs.all, plain));
  });

  test('checkpoints within checkpoints change nothing either', () => {
    using inputs = new Inputs(3);
    const stack = twoLayers(inputs);
    const nested = checkpointed((x: tf.Tensor2D, gain: tf.Tensor1D, weight: tf.Tensor2D) =>
      checkpointed(block)(x, gain, weight),
    );
    const [plain, saving] = [() => stack(block), () => stack(nested)];
    expect(projectedGradients(inputs.all, saving)).toEqual(projectedGradients(inputs.all, plain));
  });

  test('the gradients agree with finite differences', () => {
    using inputs = new Inputs(2);
    const [x, gain, weight] = [inputs.matrix(2, 3), inputs.vector(3), inputs.matrix(3, 3)];
    expectGradients([x, gain, weight], () => checkpointed(block)(x, gain, weight));
  });

  test('an input that is the value, or that nothing depends on, has its own gradient', () => {
    using inputs = new Inputs(4);
    const [x, unused] = [inputs.matrix(1, 2), inputs.vector(3)];
    const first = (): tf.Tensor => checkpointed((x: tf.Tensor2D, _: tf.Tensor1D) => x)(x, unused);
    expect(gradients([x, unused], first, [2, 3])).toEqual([
      [2, 3],
      [0, 0, 0],
    ]);
  });

  test('a variable that is not trainable costs no gradient, and the others have theirs', async () => {
    using inputs = new Inputs(8);
    const [x, gain] = [inputs.matrix(4, 6), inputs.vector(6)];
    const frozen = tf.tidy(() => tf.variable(tf.randomUniform<tf.Rank.R2>([6, 6], -1, 1, 'float32', 3), false));
    const kernelsOf = async (f: typeof block): Promise<readonly string[]> =>
      (await tf.profile(() => gradients([x, gain], () => f(x, gain, frozen), Array(24).fill(1)))).kernelNames;
    expect(await kernelsOf(checkpointed(block))).not.toContain('LinearGradWeight');
    expect(projectedGradients([x, gain], () => checkpointed(block)(x, gain, frozen))).toEqual(
      projectedGradients([x, gain], () => block(x, gain, frozen)),
    );
    expectNoLeak([x, gain], () => checkpointed(block)(x, gain, frozen));
    frozen.dispose();
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(5);
    const [x, gain, weight] = [inputs.matrix(2, 3), inputs.vector(3), inputs.matrix(3, 3)];
    expectNoLeak([x, gain, weight], () => checkpointed(block)(x, gain, weight));
    expectNoLeak([weight], () => checkpointed(block)(x, gain, weight));
  });

  test('a deep stack keeps less, and its backward pass holds less, than without', () => {
    using inputs = new Inputs(6);
    const [start, gain, weight] = [inputs.matrix(64, 16), inputs.vector(16), inputs.matrix(16, 16)];
    const peak = (wrap: (f: typeof block) => typeof block): number =>
      probed((probe) => {
        const loss = (): tf.Scalar => {
          let x: tf.Tensor2D = start;
          for (let i = 0; i < 10; i++) x = tf.tidy(() => wrap(withProbe(probe))(x, gain, weight));
          return tf.sum<tf.Scalar>(x);
        };
        tf.dispose(Object.values(variableGradients(loss, inputs.all)));
      });
    const before = tf.memory().numBytes;
    expect(peak((f) => checkpointed(f)) - before).toBeLessThan((peak((f) => f) - before) / 2);
  });

  test('a function that fails when it is computed again leaves nothing behind', () => {
    using inputs = new Inputs(7);
    const x = inputs.matrix(2, 3);
    let calls = 0;
    const failing = checkpointed((x: tf.Tensor2D) => {
      if (++calls > 1) throw new RangeError('once is enough');
      return tf.square(x);
    });
    const run = (): unknown => variableGradients(() => tf.sum<tf.Scalar>(failing(x)), [x]);
    expect(run).toThrow('once is enough');
    expect(projectedGradients([x], () => checkpointed((x: tf.Tensor2D) => tf.square(x))(x))).toEqual(
      projectedGradients([x], () => tf.square(x)),
    );
  });
});

/** Two layers with weights of their own, each wrapped as told. */
function twoLayers(inputs: Inputs): (layer: typeof block) => tf.Tensor2D {
  const [x, gains, weights] = [
    inputs.matrix(5, 6),
    [1, 2].map(() => inputs.vector(6)),
    [1, 2].map(() => inputs.matrix(6, 6)),
  ];
  return (layer) => layer(layer(x, gains[0]!, weights[0]!), gains[1]!, weights[1]!);
}

/** The block with a probe in its middle. */
function withProbe(probe: Probe): typeof block {
  return (x, gain, weight) => {
    const hidden = probe(linear(rmsNorm(x, gain, 1e-6), weight));
    return tf.add(x, linear(swiglu(hidden, hidden), weight));
  };
}
