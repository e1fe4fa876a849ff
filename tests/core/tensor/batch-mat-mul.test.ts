import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { batchMatMul, transposeMatrices } from '../../../core/tensor/batch-mat-mul.js';
import { expectClose } from '../../helpers/expect-close.js';
import { Inputs, read, withBackends } from '../../helpers/gradient.js';

withBackends(() => {
  test('each pair of matrices is multiplied on its own', () => {
    const y = read(() => {
      const a = tf.tensor3d([1, 2, 3, 4, 5, 6], [2, 1, 3]);
      return batchMatMul(a, tf.tensor3d([1, 0, 0, 1, 1, 1, 2, 0, 0, 2, 2, 2], [2, 3, 2]));
    });
    expect(y).toEqual([4, 5, 20, 22]);
  });

  test('agrees with a plain loop for sizes that fill no block', () => {
    using inputs = new Inputs(1);
    const [a, b] = [inputs.cube(3, 17, 51), inputs.cube(3, 51, 7)];
    expectClose(
      read(() => batchMatMul(a, b)),
      naive(a, b),
      { relative: 1e-4, absolute: 1e-5 },
    );
  });

  test('the inputs stay as they were', () => {
    using inputs = new Inputs(2);
    const [a, b] = [inputs.cube(2, 3, 4), inputs.cube(2, 4, 5)];
    const before = [...a.dataSync(), ...b.dataSync()];
    read(() => batchMatMul(a, b));
    expect([...a.dataSync(), ...b.dataSync()]).toEqual(before);
  });

  test('a result still holds after others were computed and freed', () => {
    using inputs = new Inputs(3);
    const [a, b] = [inputs.cube(4, 16, 16), inputs.cube(4, 16, 16)];
    const product = batchMatMul(a, b);
    const before = [...product.dataSync()];
    for (let i = 0; i < 4; i++) read(() => tf.add(batchMatMul(b, a), 1));
    expect([...product.dataSync()]).toEqual(before);
    product.dispose();
  });

  test('transposing swaps the last two axes', () => {
    expect(read(() => transposeMatrices(tf.tensor3d([1, 2, 3, 4, 5, 6], [1, 2, 3])))).toEqual([1, 4, 2, 5, 3, 6]);
  });
});

/** In float64. */
function naive(a: tf.Tensor3D, b: tf.Tensor3D): number[] {
  const right = b.arraySync();
  return a
    .arraySync()
    .flatMap((rows, n) =>
      rows.flatMap((row) =>
        Array.from({ length: b.shape[2] }, (_, j) => row.reduce((sum, value, k) => sum + value * right[n]![k]![j]!, 0)),
      ),
    );
}
