import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { onEverySetting } from '../../../helpers/native-addon.js';

beforeAll(() => useBackend('native', { threads: 1 }), 120_000);

let tensorsBefore = 0;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => expect(tf.memory().numTensors).toBe(tensorsBefore));

const settings = { lr: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, gradientScale: 0.5 };
const wave = (size: number, phase: number): number[] => Array.from({ length: size }, (_, i) => Math.sin(i + phase));
const variableOf = (values: number[]): tf.Variable => tf.tidy(() => tf.variable(tf.tensor1d(values)));

/** The variable and both moments after `steps` steps. */
function steps(size: number, count: number): number[][] {
  const state = [
    variableOf(wave(size, 0)),
    variableOf(wave(size, 9).fill(0)),
    variableOf(wave(size, 9).fill(0)),
  ] as const;
  const [variable, first, second] = state;
  for (let step = 1; step <= count; step++) {
    const gradient = tf.tensor1d(wave(size, step));
    tf.engine().runKernel('AdamW', { variable, gradient, first, second }, { ...settings, step });
    gradient.dispose();
  }
  const values = state.map((variable) => [...variable.dataSync()]);
  tf.dispose([...state]);
  return values;
}

test('three steps of AdamW agree with the algorithm in float64', () => {
  const { lr, beta1, beta2, eps, weightDecay, gradientScale } = settings;
  const values = wave(37, 0).map((start, i) => {
    let [p, m, v] = [start, 0, 0];
    for (let step = 1; step <= 3; step++) {
      const g = gradientScale * Math.sin(i + step);
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      p = p * (1 - lr * weightDecay) - (lr * (m / (1 - beta1 ** step))) / (Math.sqrt(v / (1 - beta2 ** step)) + eps);
    }
    return [p, m, v];
  });
  for (const [i, actual] of steps(37, 3).entries()) {
    expectClose(
      actual,
      values.map((row) => row[i]!),
      { relative: 2e-5, absolute: 1e-6 },
    );
  }
});

test('threads and instruction sets change no bit of an update', async () => {
  await onEverySetting(() => steps(40_003, 2));
});

test('a clone, a slice and the array that a variable was made of keep their values', () => {
  const array = Float32Array.from(wave(600, 1));
  const before = array.slice();
  tf.tidy(() => {
    const [sum, addend] = [tf.variable(tf.tensor1d(array)), tf.ones([600])];
    const [clone, slice] = [tf.clone(sum), tf.slice(sum, 0, 500)];
    const read = sum.dataSync();
    tf.engine().runKernel('Accumulate', { sum, addend });
    expect([array, read, clone.dataSync()]).toEqual([before, before, before]);
    expect(slice.dataSync()).toEqual(before.slice(0, 500));
    const once = sum.dataSync();
    tf.engine().runKernel('Accumulate', { sum, addend });
    expect([once, sum.dataSync()]).toEqual([before.map((x) => x + 1), before.map((x) => x + 1).map((x) => x + 1)]);
    sum.dispose();
  });
});

test('a variable of its own memory keeps its place', () => {
  tf.tidy(() => {
    const [sum, addend] = [tf.variable(tf.fill([600], 2)), tf.ones([600])];
    tf.engine().runKernel('Accumulate', { sum, addend });
    const { dataId } = sum;
    tf.engine().runKernel('Accumulate', { sum, addend });
    expect(sum.dataId).toBe(dataId);
    expect(() => tf.engine().runKernel('Accumulate', { sum, addend: tf.ones([3]) })).toThrow(
      /Accumulate: sizes differ: sum \[600\]/,
    );
    sum.dispose();
  });
});
