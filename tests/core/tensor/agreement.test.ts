import type * as tf from '@tensorflow/tfjs-core';
import { tensor1d } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { attention } from '../../../core/tensor/attention.js';
import { useBackend } from '../../../core/tensor/backend.js';
import { embedding } from '../../../core/tensor/embedding.js';
import { linear } from '../../../core/tensor/linear.js';
import { linearLogProbs } from '../../../core/tensor/linear-log-probs.js';
import { rmsNorm } from '../../../core/tensor/rms-norm.js';
import { rotary, rotaryTable } from '../../../core/tensor/rotary.js';
import { swiglu } from '../../../core/tensor/swiglu.js';
import { expectClose } from '../../helpers/expect-close.js';
import { Inputs, projectedGradients, read, type TestBackend, testBackends } from '../../helpers/gradient.js';

/** Sizes that fill no block of the kernels. */
const ops: { readonly [name: string]: (inputs: Inputs) => () => tf.Tensor } = {
  linear: (inputs) => {
    const [x, weight] = [inputs.matrix(37, 50), inputs.matrix(70, 50)];
    return () => linear(x, weight);
  },
  embedding: (inputs) => {
    const table = inputs.matrix(40, 33);
    return () => embedding(table, tensor1d([39, 0, 7, 7, 7, 12], 'int32'));
  },
  rmsNorm: (inputs) => {
    const [x, weight] = [inputs.matrix(37, 50), inputs.vector(50)];
    return () => rmsNorm(x, weight, 1e-6);
  },
  swiglu: (inputs) => {
    const [gate, up] = [inputs.matrix(37, 50), inputs.matrix(37, 50)];
    return () => swiglu(gate, up);
  },
  rotary: (inputs) => {
    const x = inputs.cube(19, 3, 10);
    const positions = Array.from({ length: 19 }, (_, i) => i * 31);
    return () => rotary(x, rotaryTable(600, 10, 10_000), tensor1d(positions, 'int32'));
  },
  attention: (inputs) => {
    const [q, k, v] = [inputs.heads(2, 19, 6, 10), inputs.heads(2, 19, 3, 10), inputs.heads(2, 19, 3, 10)];
    return () => attention(q, k, v);
  },
  'log-probs': (inputs) => head(inputs, 'logProbs'),
  entropy: (inputs) => head(inputs, 'entropy'),
};

const others = testBackends.filter((backend) => backend !== 'cpu');

test.each(Object.entries(ops))('%s has the same value and gradients on every backend as on cpu', async (_, op) => {
  const expected = await run('cpu', op);
  for (const backend of others) {
    const actual = await run(backend, op);
    expect(actual.length).toBe(expected.length);
    for (const [i, values] of expected.entries())
      expectClose(actual[i] ?? [], values, { relative: 1e-4, absolute: 1e-5 });
  }
});

/** The value, then one gradient an input. */
async function run(backend: TestBackend, op: (inputs: Inputs) => () => tf.Tensor): Promise<number[][]> {
  await useBackend(backend);
  using inputs = new Inputs(5);
  const f = op(inputs);
  return [read(f), ...projectedGradients(inputs.all, f)];
}

function head(inputs: Inputs, part: 'logProbs' | 'entropy'): () => tf.Tensor {
  const [x, weight] = [inputs.matrix(11, 30), inputs.matrix(53, 30)];
  const targets = Array.from({ length: 11 }, (_, i) => (i * 13) % 53);
  return () => linearLogProbs(x, weight, tensor1d(targets, 'int32'), 0.9)[part];
}
