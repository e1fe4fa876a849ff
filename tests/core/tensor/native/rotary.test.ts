import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { onEverySetting } from '../../../helpers/native-addon.js';
import { runKernel } from '../../../helpers/run-kernel.js';

beforeAll(() => useBackend('native', { threads: 1 }), 120_000);

/** Rotates [N, heads, dim] by angles position + i / 8. */
function rotate(x: number[], heads: number, dim: number, positions: number[], inverse = false): number[] {
  const angle = (i: number): number => Math.floor(i / (dim / 2)) + (i % (dim / 2)) / 8;
  const table = (f: (angle: number) => number): tf.Tensor =>
    tf.tensor2d(
      Float32Array.from({ length: 10 * (dim / 2) }, (_, i) => f(angle(i))),
      [10, dim / 2],
    );
  const inputs = {
    x: tf.tensor3d(x, [positions.length, heads, dim]),
    cos: table(Math.cos),
    sin: table(Math.sin),
    positions: tf.tensor1d(positions, 'int32'),
  };
  return runKernel('Rotary', inputs, { inverse }).flat();
}

test('dimension i turns with i + D/2 by the angle of its position', () => {
  const [c, s] = [Math.cos(3.125), Math.sin(3.125)];
  const rotated = rotate([1, 2, 3, 4], 1, 4, [3]);
  expectClose(rotated, [Math.cos(3) - 3 * Math.sin(3), 2 * c - 4 * s, 3 * Math.cos(3) + Math.sin(3), 4 * c + 2 * s], {
    relative: 1e-6,
    absolute: 1e-6,
  });
});

test.each([2, 40, 64])('the inverse undoes it, head dimension %i', (dim) => {
  const x = Array.from({ length: 5 * 3 * dim }, (_, i) => Math.sin(i));
  const positions = [0, 9, 4, 4, 1];
  const back = rotate(rotate(x, 3, dim, positions), 3, dim, positions, true);
  expectClose(back, x, { relative: 1e-5, absolute: 1e-6 });
});

test('neither threads, instruction sets nor other rows change a bit', async () => {
  const x = Array.from({ length: 200 * 4 * 64 }, (_, i) => Math.sin(i));
  const positions = Array.from({ length: 200 }, (_, i) => i % 10);
  const one = await onEverySetting(() => rotate(x, 4, 64, positions));
  expect(rotate(x.slice(256, 512), 4, 64, [1])).toEqual(one.slice(256, 512));
});

test('a position beyond the table is named, and no rows are no work', () => {
  expect(() => rotate([1, 2, 3, 4], 1, 2, [3, 10])).toThrow(/Rotary: position 10 at 1 is not in \[0, 10\)/);
  expect(() => rotate([1, 2], 1, 2, [-1])).toThrow(/position -1/);
  tf.disposeVariables();
  expect(rotate([], 2, 4, [])).toEqual([]);
});
