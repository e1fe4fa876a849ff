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
  runKernel('GeGLU', { gate: tensor(gate), up: tensor(up) }).flat();
const backward = (dy: number[], gate: number[], up: number[]): number[][] =>
  runKernel('GeGLUGrad', { dy: tensor(dy), gate: tensor(gate), up: tensor(up) });

test('value and gradients agree with a loop in float64', () => {
  const [dy, gate, up] = [wave(4, 1), wave(4, 2), wave(4, 3)];
  const bend = Math.sqrt(2 / Math.PI);
  const tanh = gate.map((g) => Math.tanh(bend * (g + 0.044715 * g ** 3)));
  const gelu = gate.map((g, i) => 0.5 * g * (1 + tanh[i]!));
  const slope = gate.map(
    (g, i) => 0.5 * (1 + tanh[i]!) + 0.5 * g * (1 - tanh[i]! ** 2) * bend * (1 + 3 * 0.044715 * g ** 2),
  );
  const product = (...factors: number[][]): number[] => gate.map((_, i) => factors.reduce((all, f) => all * f[i]!, 1));
  const [dGate = [], dUp = []] = backward(dy, gate, up);
  expectClose(forward(gate, up), product(gelu, up), { relative: 2e-6, absolute: 2e-6 });
  expectClose(dUp, product(gelu, dy), { relative: 2e-6, absolute: 2e-6 });
  expectClose(dGate, product(slope, dy, up), { relative: 1e-5, absolute: 1e-5 });
});

test('neither threads, instruction sets nor other rows change a bit', async () => {
  const [dy, gate, up] = [wave(1000, 4), wave(1000, 5), wave(1000, 6)];
  const one = await onEverySetting(() => [forward(gate, up), ...backward(dy, gate, up)]);
  const row = (values: number[]): number[] => values.slice(3 * columns, 4 * columns);
  expect([forward(row(gate), row(up)), ...backward(row(dy), row(gate), row(up))]).toEqual(one.map(row));
});

test('far from 0 a gate is open or closed, and NaN is NaN', () => {
  const padded = (values: number[]): number[] => [...values, ...Array<number>(columns - values.length).fill(0)];
  const [gate, two] = [padded([500, -500, Number.NaN]), padded([2, 2, 2])];
  expect(forward(gate, two).slice(0, 3)).toEqual([1000, -0, Number.NaN]);
  const [dGate = [], dUp = []] = backward(two, gate, two);
  expect(dGate.slice(0, 3)).toEqual([4, 0, Number.NaN]);
  expect(dUp.slice(0, 3)).toEqual([1000, -0, Number.NaN]);
  expect(forward([], [])).toEqual([]);
});
