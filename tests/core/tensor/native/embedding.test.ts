import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { nativeBackend, onEverySetting } from '../../../helpers/native-addon.js';
import { runKernel } from '../../../helpers/run-kernel.js';

beforeAll(() => useBackend('native', { threads: 1 }), 120_000);

const table = (rows: number, columns: number): tf.Tensor2D =>
  tf.tensor2d(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)),
    [rows, columns],
  );
const ids = (tokens: number[]): tf.Tensor1D => tf.tensor1d(tokens, 'int32');

test('rows are copied in the order of tokens', () => {
  const [rows = []] = runKernel('Embedding', {
    table: tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]),
    tokens: ids([2, 0, 2]),
  });
  expect(rows).toEqual([5, 6, 1, 2, 5, 6]);
  expect(runKernel('Embedding', { table: table(3, 2), tokens: ids([]) })).toEqual([[]]);
});

test('the gradient sums what a token got, and is 0 for the others', () => {
  const dy = tf.tensor2d([1, 2, 10, 20, 100, 200], [3, 2]);
  expect(runKernel('EmbeddingGrad', { dy, tokens: ids([2, 0, 2]) }, { rows: 4 })).toEqual([
    [10, 20, 0, 0, 101, 202, 0, 0],
  ]);
  expect(runKernel('EmbeddingGrad', { dy: tf.zeros([0, 2]), tokens: ids([]) }, { rows: 1 })).toEqual([[0, 0]]);
});

test('threads and instruction sets change no bit', async () => {
  const tokens = Array.from({ length: 700 }, (_, i) => (i * i) % 50);
  await onEverySetting(() => [
    ...runKernel('Embedding', { table: table(50, 70), tokens: ids(tokens) }),
    ...runKernel('EmbeddingGrad', { dy: table(700, 70), tokens: ids(tokens) }, { rows: 50 }),
  ]);
});

test('a token outside of the table is named, and nothing is left allocated', () => {
  tf.tidy(() => {
    const [rows, dy, tokens, negative] = [table(300, 4), table(2, 4), ids([299, 300]), ids([-1])];
    const before = nativeBackend().numDataIds();
    expect(() => tf.engine().runKernel('Embedding', { table: rows, tokens })).toThrow(
      /Embedding: index 300 at 1 is not in \[0, 300\)/,
    );
    const attributes = { rows: 300 };
    expect(() => tf.engine().runKernel('EmbeddingGrad', { dy, tokens }, attributes)).toThrow(
      /EmbeddingGrad: index 300/,
    );
    expect(() => tf.gather(rows, negative)).toThrow(/GatherV2: index -1/);
    expect(nativeBackend().numDataIds()).toBe(before);
  });
});
