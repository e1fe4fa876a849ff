import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { rotaryFrequencies } from '../../../core/model/rotary-frequencies.js';
import { rotary, rotaryTable } from '../../../core/tensor/rotary.js';
import { expectClose } from '../../helpers/expect-close.js';
import {
  expectGradients,
  expectNoLeak,
  expectRowsAlone,
  gradients,
  Inputs,
  pick,
  read,
  withBackends,
} from '../../helpers/gradient.js';

const float32 = { relative: 1e-5, absolute: 1e-6 };

withBackends((backend) => {
  test('dimension i turns with dimension i + D/2 by position · theta^(-2i/D)', () => {
    const y = read(() => rotate(tf.tensor3d([1, 0, 0, 2], [1, 1, 4]), [3], 100));
    const [fast, slow] = [3, 3 / 10]; // 100^0 and 100^(-1/2)
    expectClose(y, [Math.cos(fast), -2 * Math.sin(slow), Math.sin(fast), 2 * Math.cos(slow)], float32);
  });

  test('position 0 changes nothing', () => {
    using inputs = new Inputs(1);
    const x = inputs.cube(2, 3, 4);
    expect(read(() => rotate(x, [0, 0], 10_000))).toEqual([...x.dataSync()]);
  });

  test('the length of a vector stays, at far positions too', () => {
    using inputs = new Inputs(2);
    const x = inputs.cube(3, 2, 8);
    const rotated = read(() => tf.norm(rotate(x, [1, 777, 131_071], 10_000), 2, 2));
    expectClose(
      rotated,
      read(() => tf.norm(x, 2, 2)),
      float32,
    );
  });

  test('the product of query and key depends on their distance alone', () => {
    using inputs = new Inputs(3);
    const [q, k] = [inputs.cube(1, 1, 8), inputs.cube(1, 1, 8)];
    const score = (atQuery: number, atKey: number): number[] =>
      read(() => {
        const rotatedKey = rotate(k, [atKey], 10_000);
        return tf.sum(tf.mul(rotate(q, [atQuery], 10_000), rotatedKey));
      });
    expectClose(score(105, 102), score(3, 0), { relative: 1e-4, absolute: 1e-5 });
    expect(Math.abs((score(5, 0)[0] ?? 0) - (score(3, 0)[0] ?? 0))).toBeGreaterThan(1e-2);
  });

  test('the gradient agrees with finite differences', () => {
    using inputs = new Inputs(4);
    const x = inputs.cube(3, 2, 4);
    expectGradients([x], () => rotate(x, [0, 1, 5], 10_000));
  });

  test('no rows give no rows', () => {
    using inputs = new Inputs(6);
    const x = inputs.cube(0, 2, 4);
    const none = (): tf.Tensor =>
      rotary(x, rotaryTable(3, rotaryFrequencies(4, { theta: 10_000 })), tf.tensor1d([], 'int32'));
    expect(tf.tidy(() => none().shape)).toEqual([0, 2, 4]);
    expect(gradients([x], none, [])).toEqual([[]]);
  });

  test('a row of a batch is the row alone', () => {
    using inputs = new Inputs(7);
    const x = inputs.cube(13, 3, 10);
    expectRowsAlone(backend, 13, (rows) =>
      rotate(
        pick(x, rows),
        rows.map((row) => row * 31),
        10_000,
      ),
    );
  });

  test('shapes and types that do not fit are named in the error', () => {
    using inputs = new Inputs(8);
    const [x, positions] = [inputs.cube(2, 3, 4), inputs.vector(2)];
    tf.tidy(() => {
      expect(() =>
        rotary(x, rotaryTable(5, rotaryFrequencies(6, { theta: 10_000 })), tf.cast(positions, 'int32')),
      ).toThrow(
        /^rotary: cos and sin are \[P, D\/2\]; got x \[2, 3, 4\], cos \[5, 3\], sin \[5, 3\], positions \[2\]$/,
      );
      expect(() => rotary(x, rotaryTable(5, rotaryFrequencies(4, { theta: 10_000 })), positions)).toThrow(
        'rotary: positions is [N] int32',
      );
    });
  });

  test('nothing is left but the result', () => {
    using inputs = new Inputs(5);
    const x = inputs.cube(2, 2, 4);
    const [{ cos, sin }, positions] = [
      rotaryTable(2, rotaryFrequencies(4, { theta: 10_000 })),
      tf.tensor1d([0, 1], 'int32'),
    ];
    expectNoLeak([x], () => rotary(x, { cos, sin }, positions));
    tf.dispose([cos, sin, positions]);
  });
});

/** With a table that ends at the largest position. */
function rotate(x: tf.Tensor3D, positions: number[], theta: number): tf.Tensor3D {
  const table = rotaryTable(Math.max(...positions) + 1, rotaryFrequencies(x.shape[2], { theta }));
  return rotary(x, table, tf.tensor1d(positions, 'int32'));
}
