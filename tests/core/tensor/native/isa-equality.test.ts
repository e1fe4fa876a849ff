import { expect, test } from 'vitest';
import { nativeAddon, onEverySetting } from '../../../helpers/native-addon.js';

test('row-wise and elementwise kernels have the same bits on every instruction set and any threads', async () => {
  const addon = await nativeAddon();
  const computed = await onEverySetting(() => {
    let state = 1;
    const noise = (length: number, scale = 4): Float32Array =>
      Float32Array.from({ length }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return (state / 2 ** 32 - 0.5) * scale;
      });
    const out = (length: number): Float32Array => new Float32Array(length);
    const results: Float32Array[] = [];
    const keep = (...arrays: Float32Array[]): void => {
      results.push(...arrays);
    };
    for (const [rows, columns] of [
      [1, 1],
      [5, 64],
      [70, 83],
      [2, 40_001],
    ] as const) {
      const size = rows * columns;
      const [x, y, weight, z] = [noise(size), noise(size), noise(columns), noise(size, 200)];
      for (let op = 0; op < 8; op++) {
        const result = out(size);
        addon.unary(
          op,
          op === 3 || op === 4 ? x.map(Math.abs) : op === 1 || op === 7 ? z : x,
          result,
          size,
          -0.5,
          0.75,
        );
        keep(result);
      }
      for (let op = 0; op < 6; op++) {
        const [same, vector, scalar] = [out(size), out(size), out(size)];
        addon.binary(op, x, y, same, rows, columns, columns, 1, columns, 1);
        addon.binary(op, x, weight, vector, rows, columns, columns, 1, 0, 1);
        addon.binary(op, y, x, scalar, rows, columns, 1, 0, columns, 1);
        keep(same, vector, scalar);
      }
      const [sums, tops, columnSums, shares] = [out(rows), out(rows), out(columns), out(size)];
      addon.sumAlongRows(x, sums, rows, columns, 1 / 3);
      addon.maxAlongRows(x, tops, rows, columns);
      addon.sumRows(x, columnSums, rows, columns);
      addon.softmax(x, shares, rows, columns);
      keep(sums, tops, columnSums, shares, Float32Array.of(addon.squaredNorm(x, size)));
      const [normed, dx, dWeight] = [out(size), out(size), out(columns)];
      addon.rmsNorm(x, weight, rows, columns, 1e-5, 1, normed);
      addon.rmsNormGrad(x, weight, rows, columns, 1e-5, 1, y, dx, dWeight);
      const [gated, dGate, dUp] = [out(size), out(size), out(size)];
      addon.swiglu(x, y, gated, size);
      addon.swigluGrad(z, x, y, dGate, dUp, size);
      const [gelus, dGeluGate, dGeluUp] = [out(size), out(size), out(size)];
      addon.geglu(x, y, gelus, size);
      addon.gegluGrad(z, x, y, dGeluGate, dGeluUp, size);
      const moments = [x.map(Math.abs), y.map(Math.abs)] as const;
      addon.adamW(x, y, moments[0], moments[1], size, 1e-2, 0.9, 0.99, 1e-8, 0.1, 3, 0.5);
      keep(normed, dx, dWeight, gated, dGate, dUp, gelus, dGeluGate, dGeluUp, x, ...moments);
      const indices = Int32Array.from({ length: 40 }, (_, i) => (7 * i) % rows);
      const [gathered, scattered, turned] = [out(40 * columns), out(size), out(size)];
      addon.gatherRows(y, indices, gathered, 40, rows, columns);
      addon.scatterRows(gathered, indices, scattered, 40, rows, columns);
      addon.copyStrided(y, turned, Int32Array.of(columns, rows, 1, columns), 0);
      keep(gathered, scattered, turned);
    }
    const [angles, states, rotated] = [noise(9 * 20), noise(7 * 3 * 40), out(7 * 3 * 40)];
    addon.rotary(
      states,
      angles,
      angles.slice().reverse(),
      Int32Array.of(0, 8, 3, 3, 1, 2, 5),
      rotated,
      7,
      3,
      40,
      9,
      true,
    );
    return [...results, rotated];
  });
  expect(computed.length).toBeGreaterThan(100);
}, 60_000);
