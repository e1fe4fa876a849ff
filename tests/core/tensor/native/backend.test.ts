import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { ArrayPool } from '../../../../core/tensor/native/array-pool.js';
import { NativeBackend } from '../../../../core/tensor/native/backend.js';
import { nativeBackend } from '../../../helpers/native-addon.js';

/** Every array starts as NaN here: what a kernel leaves unwritten, or reads after it was freed, shows in every test. */
beforeAll(async () => {
  await useBackend('native', { threads: 2 });
  tf.removeBackend('native');
  tf.registerBackend('native', () => new NativeBackend(new ArrayPool({ isPoisoned: true })));
  await tf.setBackend('native');
}, 120_000);

let before = 0;
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => expect(tf.memory().numTensors).toBe(before));

const wave = (rows: number, columns: number): tf.Tensor2D =>
  tf.tensor2d(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)),
    [rows, columns],
  );
/** [20, 50], made by a kernel and so in the pool. */
const pooled = (factor: number): tf.Tensor2D => tf.tidy(() => tf.mul(wave(20, 50), factor));

/** A little of everything, with its gradient. */
function step(weight: tf.Variable<tf.Rank.R2>): number[] {
  return tf.tidy(() => {
    const { value, grads } = tf.variableGrads(() => {
      const x = tf.matMul(wave(70, 40), weight); // [70, 50]
      const scaled: tf.Tensor2D = tf.div(x, tf.sqrt(tf.add(tf.mean(tf.square(x), 1, true), 1e-5))); // [70, 50]
      const shares: tf.Tensor2D = tf.softmax(tf.clipByValue(scaled, -2, 1.5)); // [70, 50]
      const parts = tf.concat2d(
        [tf.slice(shares, [0, 0], [70, 20]), tf.reshape(tf.transpose(tf.neg(shares)), [70, 50])],
        1,
      );
      return tf.sum<tf.Scalar>(
        tf.mul(tf.gather(parts, tf.tensor1d([3, 69, 3], 'int32')), tf.exp(tf.slice(parts, [0, 0], [3, 70]))),
      );
    }, [weight]);
    return [...value.dataSync(), ...(grads[weight.name]?.dataSync() ?? [])];
  });
}

test('a loop of kernels takes no new memory after its first rounds', () => {
  const weight = tf.tidy(() => tf.variable(tf.mul<tf.Tensor2D>(wave(40, 50), 1)));
  const { pool } = nativeBackend();
  const first = step(weight);
  step(weight);
  const { memory } = pool;
  for (let i = 0; i < 5; i++) expect(step(weight)).toEqual(first);
  expect(pool.memory).toEqual(memory);
  expect(first.every(Number.isFinite)).toBe(true);
  weight.dispose();
});

test('a slice outlives its parent, also one that shares its memory', () => {
  const parent = pooled(1);
  const expected = parent.dataSync().slice(100, 200);
  const slice = tf.slice(parent, [2, 0], [2, 50]);
  const second = tf.tidy(() => tf.split(parent, [2, 2, 16])[1] ?? parent);
  parent.dispose();
  const others = [1, 2, 3].map((i) => pooled(i));
  expect([slice.dataSync(), second.dataSync()]).toEqual([expected, expected]);
  tf.dispose([slice, second, ...others]);
});

test('what data() returned stays when its tensor is gone and its memory used again', async () => {
  const tensor = pooled(2);
  const [values, later] = [tensor.dataSync(), await tensor.data()];
  const expected = Float32Array.from(values);
  tensor.dispose();
  const others = [1, 2, 3].map((i) => pooled(i));
  expect([values, later]).toEqual([expected, expected]);
  tf.dispose(others);
});

test('tensors move to another backend and back', async () => {
  const tensor = pooled(2);
  const expected = tensor.dataSync();
  await tf.setBackend('cpu');
  const there = tf.mul(tensor, 1);
  expect(there.dataSync()).toEqual(expected);
  await tf.setBackend('native');
  const { allocated } = nativeBackend().pool.memory;
  expect(tf.tidy(() => tf.mul(there, 1).dataSync())).toEqual(expected);
  tf.dispose([tensor, there]);
  expect(nativeBackend().pool.memory.allocated).toBeLessThanOrEqual(allocated);
});
