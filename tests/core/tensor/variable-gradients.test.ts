import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { embedding } from '../../../core/tensor/embedding.js';
import { linear } from '../../../core/tensor/linear.js';
import { linearLogProbs } from '../../../core/tensor/linear-log-probs.js';
import { rmsNorm } from '../../../core/tensor/rms-norm.js';
import { swiglu } from '../../../core/tensor/swiglu.js';
import { variableGradients } from '../../../core/tensor/variable-gradients.js';
import { Inputs, withBackends } from '../../helpers/gradient.js';
import { probed } from '../../helpers/probe.js';

type Loss = () => tf.Scalar;

/** Functions whose tapes differ in what reaches what. */
const losses: { readonly [name: string]: (inputs: Inputs) => Loss } = {
  'a chain': (inputs) => {
    const [x, weight, gain] = [inputs.matrix(5, 6), inputs.matrix(6, 6), inputs.vector(6)];
    return () => total(linear(rmsNorm(linear(x, weight), gain, 1e-6), weight));
  },
  'one tensor read by three ops': (inputs) => {
    const [x, weight] = [inputs.matrix(5, 6), inputs.matrix(6, 6)];
    return () => {
      const h = linear(x, weight);
      return total(tf.add(tf.mul(h, swiglu(h, h)), linear(h, weight)));
    };
  },
  'residual adds': (inputs) => {
    const [start, weight] = [inputs.matrix(5, 6), inputs.matrix(6, 6)];
    return () => {
      let x: tf.Tensor2D = start;
      for (let i = 0; i < 3; i++) x = tf.add(x, linear(x, weight));
      return total(x);
    };
  },
  'reshapes, slices and transposes': (inputs) => {
    const [x, weight] = [inputs.matrix(4, 6), inputs.matrix(3, 3)];
    return () => {
      const rows = linear(tf.reshape(x, [8, 3]), weight);
      const turned = tf.transpose(tf.reshape(rows, [4, 2, 3]), [1, 0, 2]);
      return total(tf.concat([tf.slice(turned, [0, 0, 0], [1, 4, 3]), turned], 0));
    };
  },
  'a head tied to the embedding, with an output nobody uses': (inputs) => {
    const [table, gain] = [inputs.matrix(7, 6), inputs.vector(6)];
    return () => {
      const x = rmsNorm(embedding(table, tf.tensor1d([1, 1, 6], 'int32')), gain, 1e-6);
      return total(linearLogProbs(x, table, tf.tensor1d([2, 1, 0], 'int32'), { temperature: 0.8 }).logProbs);
    };
  },
  'an op that passes its gradient on as it is': (inputs) => {
    const [x, weight] = [inputs.matrix(4, 6), inputs.matrix(6, 6)];
    const pass = tf.customGrad<tf.Tensor2D>((...[x]) => ({
      value: tf.clone(x as tf.Tensor2D),
      gradFunc: (dy: tf.Tensor2D) => dy,
    }));
    return () => {
      const h = pass(linear(x, weight));
      return total(tf.add(h, pass(h)));
    };
  },
};

withBackends(() => {
  test.each(Object.entries(losses))('the gradients are those of tfjs to the bit: %s', (_, make) => {
    using inputs = new Inputs(1);
    const loss = make(inputs);
    const [expected, actual] = [tf.variableGrads, variableGradients].map((gradients) =>
      values(gradients(loss, inputs.all)),
    );
    expect(actual).toEqual(expected);
  });

  test.each(Object.entries(losses))('nothing is left but value and gradients: %s', (_, make) => {
    using inputs = new Inputs(2);
    const loss = make(inputs);
    const before = tf.memory().numTensors;
    const { value, grads } = variableGradients(loss, inputs.all);
    expect(tf.memory().numTensors).toBe(before + 1 + Object.keys(grads).length);
    tf.dispose([value, grads]);
  });

  test('the backward pass of a deep chain holds less than half of what that of tfjs does', () => {
    using inputs = new Inputs(3);
    const [x, weight] = [inputs.matrix(64, 16), inputs.matrix(16, 16)];
    const peak = (gradients: typeof tf.variableGrads): number =>
      probed((probe) => {
        const loss = (): tf.Scalar => {
          let h: tf.Tensor2D = x;
          for (let i = 0; i < 10; i++) h = tf.tidy(() => probe(swiglu(linear(h, weight), h)));
          return total(h);
        };
        tf.dispose(Object.values(gradients(loss, inputs.all)));
      });
    const start = tf.memory().numBytes;
    expect(peak((f, variables) => variableGradients(f, variables ?? [])) - start).toBeLessThan(
      (peak(tf.variableGrads) - start) / 2,
    );
  });

  test('a variable that the value does not depend on has no gradient', () => {
    using inputs = new Inputs(4);
    const [x, unused] = [inputs.matrix(2, 2), inputs.vector(2)];
    const { value, grads } = variableGradients(() => total(x), inputs.all);
    expect([x.name in grads, unused.name in grads]).toEqual([true, false]);
    tf.dispose([value, grads]);
  });

  test('a function that throws leaves nothing behind, and the next gradient is right', () => {
    using inputs = new Inputs(5);
    const [x, weight] = [inputs.matrix(2, 3), inputs.matrix(3, 3)];
    const failing = (): tf.Scalar => {
      linear(x, weight);
      throw new RangeError('no loss today');
    };
    const before = tf.memory().numTensors;
    expect(() => variableGradients(failing, inputs.all)).toThrow('no loss today');
    expect(tf.memory().numTensors).toBe(before);
    const loss = (): tf.Scalar => total(linear(x, weight));
    expect(values(variableGradients(loss, inputs.all))).toEqual(values(tf.variableGrads(loss, inputs.all)));
  });
});

function total(x: tf.Tensor): tf.Scalar {
  return tf.sum<tf.Scalar>(tf.square(x));
}

/** The value and each gradient; frees them. */
function values({ value, grads }: { value: tf.Scalar; grads: tf.NamedTensorMap }): { [name: string]: number[] } {
  const all = Object.entries({ value, ...grads }).map(([name, tensor]) => [name, [...tensor.dataSync()]]);
  tf.dispose([value, grads]);
  return Object.fromEntries(all);
}
