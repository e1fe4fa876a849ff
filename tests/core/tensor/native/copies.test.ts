import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { read } from '../../../helpers/gradient.js';
import { onEverySetting } from '../../../helpers/native-addon.js';

beforeAll(() => useBackend('native', { threads: 1 }), 120_000);

const range = (...shape: number[]): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => i),
    shape,
  );

const permutations: [number[], number[]][] = [
  [
    [3, 5],
    [1, 0],
  ],
  [
    [33, 18],
    [1, 0],
  ],
  [
    [2, 7, 3, 20],
    [0, 2, 1, 3],
  ],
  [
    [2, 7, 3, 20],
    [0, 2, 3, 1],
  ],
  [
    [4, 17, 35],
    [2, 1, 0],
  ],
  [
    [4, 17, 35],
    [2, 0, 1],
  ],
  [
    [4, 1, 35],
    [1, 2, 0],
  ],
  [
    [2, 3, 4, 5, 6],
    [4, 2, 0, 3, 1],
  ],
  [
    [3, 4],
    [0, 1],
  ],
  [
    [0, 4],
    [1, 0],
  ],
];

test.each(permutations)('transpose of [%s] to axes [%s]', (shape, perm) => {
  const strides = shape.map((_, axis) => tf.util.sizeFromShape(shape.slice(axis + 1)));
  const expected = perm.reduce<number[]>(
    (offsets, axis) =>
      offsets.flatMap((offset) => [...Array(shape[axis]).keys()].map((i) => offset + i * strides[axis]!)),
    [0],
  );
  expect(read(() => tf.transpose(range(...shape), perm))).toEqual(expected);
});

test('slices of every kind', () => {
  expect(read(() => tf.slice(range(4, 3), [1, 0], [2, 3]))).toEqual([3, 4, 5, 6, 7, 8]);
  expect(read(() => tf.slice(range(4, 3), [0, 1], [-1, 1]))).toEqual([1, 4, 7, 10]);
  expect(read(() => tf.slice(range(2, 2, 4), [0, 1, 2], [2, 1, 2]))).toEqual([6, 7, 14, 15]);
  expect(read(() => tf.slice(range(4), 2, 0))).toEqual([]);
  expect(() => tf.tidy(() => tf.slice(range(4, 3), [3, 0], [2, 3]))).toThrow(/begin/);
  expect(read(() => tf.concat(tf.split(range(4, 6), 3, 1), 1))).toEqual(read(() => range(4, 6)));
});

test('concat along each axis, with empty parts', () => {
  expect(read(() => tf.concat([range(1, 2), range(0, 2), range(2, 2)]))).toEqual([0, 1, 0, 1, 2, 3]);
  expect(read(() => tf.concat([range(2, 1), range(2, 0), range(2, 2)], 1))).toEqual([0, 0, 1, 1, 2, 3]);
  expect(read(() => tf.stack([range(2), range(2)], 1))).toEqual([0, 0, 1, 1]);
  expect(read(() => tf.add(tf.concat([range(0, 2), range(0, 2)]), 1))).toEqual([]);
});

test('gather takes rows by indices of any shape', () => {
  const indices = (): tf.Tensor => tf.tensor2d([[2, 0]], [1, 2], 'int32');
  expect(read(() => tf.gather(range(3, 2), indices()))).toEqual([4, 5, 0, 1]);
  expect(tf.tidy(() => tf.gather(range(3, 2), indices()).shape)).toEqual([1, 2, 2]);
  expect(read(() => tf.gather(range(2, 3), tf.tensor1d([1], 'int32'), 1))).toEqual([1, 4]);
});

test('fills', () => {
  expect(read(() => tf.fill([300], 2.5)).every((x) => x === 2.5)).toBe(true);
  expect(read(() => tf.onesLike(range(2, 2)))).toEqual([1, 1, 1, 1]);
  expect(read(() => tf.zerosLike(tf.tensor1d([1], 'int32')))).toEqual([0]);
});

test('threads and instruction sets change no copy', async () => {
  await onEverySetting(() => [
    read(() => tf.transpose(range(300, 200))),
    read(() => tf.transpose(range(3, 200, 7, 20), [0, 2, 1, 3])),
    read(() => tf.concat([range(200, 100), range(200, 101)], 1)),
    read(() => tf.slice(range(400, 100), [0, 1], [400, 98])),
  ]);
});
