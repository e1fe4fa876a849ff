import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { onEverySetting } from '../../../helpers/native-addon.js';
import { runKernel } from '../../../helpers/run-kernel.js';

beforeAll(() => useBackend('native', { threads: 1 }), 120_000);

const columns = 37;
const wave = (rows: number, phase: number): number[] =>
  Array.from({ length: rows * columns }, (_, i) => Math.fround(6 * Math.sin(i + phase)));
const tensor = (values: number[]): tf.Tensor2D => tf.tensor2d(values, [values.length / columns, columns]);

const forward = (gate: number[], up: number[]): number[] =>
  runKernel('SwiGLU', { gate: tensor(gate), up: tensor(up) }).flat();
const backward = (dy: number[], gate: number[], up: number[]): number[][] =>
  runKernel('SwiGLUGrad', { dy: tensor(dy), gate: tensor(gate), up: tensor(up) });

test('value and gradients agree with a loop in float64', () => {
  const [dy, gate, up] = [wave(4, 1), wave(4, 2), wave(4, 3)];
  const sigmoid = gate.map((g) => 1 / (1 + Math.exp(-g)));
  const silu = gate.map((g, i) => g * sigmoid[i]!);
  const tolerance = { relative: 2e-6, absolute: 2e-6 };
  expectClose(
    forward(gate, up),
    silu.map((s, i) => s * up[i]!),
    tolerance,
  );
  const [dGate = [], dUp = []] = backward(dy, gate, up);
  expectClose(
    dUp,
    silu.map((s, i) => s * dy[i]!),
    tolerance,
  );
  const slope = silu.map((s, i) => sigmoid[i]! + s * (1 - sigmoid[i]!));
  expectClose(
    dGate,
    slope.map((s, i) => s * dy[i]! * up[i]!),
    { relative: 1e-5, absolute: 2e-6 },
  );
});

test('neither threads, instruction sets nor other rows change a bit', async () => {
  const [dy, gate, up] = [wave(1000, 4), wave(1000, 5), wave(1000, 6)];
  const one = await onEverySetting(() => [forward(gate, up), ...backward(dy, gate, up)]);
  const row = (values: number[]): number[] => values.slice(3 * columns, 4 * columns);
  expect([forward(row(gate), row(up)), ...backward(row(dy), row(gate), row(up))]).toEqual(one.map(row));
});

test('far from 0 a gate is open or closed, and NaN is NaN', () => {
  const padded = (values: number[]): number[] => [...values, ...Array<number>(columns - values.length).fill(0)];
  const result = forward(padded([500, -500, Number.NaN]), padded([2, 2, 2]));
  expect(result.slice(0, 3)).toEqual([1000, -0, Number.NaN]);
  expect(forward([], [])).toEqual([]);
});
