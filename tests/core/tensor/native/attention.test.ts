import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { onEverySetting } from '../../../helpers/native-addon.js';
import {
  attend,
  attendGrad,
  headTensors,
  type PackedHeads,
  packedHeads,
  sequenceOf,
} from '../../../helpers/packed-heads.js';
import { plainAttention } from '../../../helpers/plain-attention.js';
import { runKernel } from '../../../helpers/run-kernel.js';
import { differingBits } from '../../../helpers/same-bits.js';

let tensorsBefore = 0;
beforeEach(async () => {
  await useBackend('native', { threads: 1 });
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => expect(tf.memory().numTensors, 'tensors left behind').toBe(tensorsBefore));

const sizes = [
  { heads: 1, kvHeads: 1, headDim: 2 },
  { heads: 6, kvHeads: 2, headDim: 4 },
  { heads: 2, kvHeads: 2, headDim: 10 },
  { heads: 8, kvHeads: 1, headDim: 16 },
  { heads: 3, kvHeads: 1, headDim: 24 },
  { heads: 4, kvHeads: 2, headDim: 64 },
  { heads: 2, kvHeads: 1, headDim: 80 },
];

const ruled = [
  { rules: { scale: 0.2, softcap: 1.5 } },
  { rules: { window: 1 } },
  { rules: { window: 70 } },
  { rules: { scale: 0.3, softcap: 50, window: 129 } },
];

test.each(sizes)('agrees with plain loops: $heads heads, $kvHeads of keys, of $headDim', (size) => {
  const x = packedHeads([1, 63, 130, 64, 5, 200], size);
  const [{ out, logSumExp }, plain] = [attend(x), plainAttention(x)];
  expectClose(out, plain.out, { relative: 3e-6, absolute: 3e-6 });
  expectClose(logSumExp, plain.logSumExp, { relative: 1e-6, absolute: 1e-6 });
});

test.each(sizes)('its gradient agrees with plain loops: $heads heads, $kvHeads of keys, of $headDim', (size) => {
  const x = packedHeads([1, 63, 130, 64, 5, 200], size);
  const [{ dq, dk, dv }, plain] = [attendGrad(x), plainAttention(x)];
  expectClose(dq, plain.dq, { relative: 3e-5, absolute: 3e-5 });
  expectClose(dk, plain.dk, { relative: 3e-5, absolute: 3e-5 });
  expectClose(dv, plain.dv, { relative: 3e-5, absolute: 3e-5 });
});

test.each(ruled)('agrees with plain loops by $rules', ({ rules }) => {
  const x = packedHeads([1, 63, 130, 64, 5, 200], { heads: 6, kvHeads: 2, headDim: 10, rules });
  const [{ out, logSumExp }, plain] = [attend(x), plainAttention(x)];
  expectClose(out, plain.out, { relative: 3e-6, absolute: 3e-6 });
  expectClose(logSumExp, plain.logSumExp, { relative: 1e-6, absolute: 1e-6 });
});

test.each(ruled)('its gradient agrees with plain loops by $rules', ({ rules }) => {
  const x = packedHeads([1, 63, 130, 64, 5, 200], { heads: 6, kvHeads: 2, headDim: 10, rules });
  const [{ dq, dk, dv }, plain] = [attendGrad(x), plainAttention(x)];
  expectClose(dq, plain.dq, { relative: 3e-5, absolute: 3e-5 });
  expectClose(dk, plain.dk, { relative: 3e-5, absolute: 3e-5 });
  expectClose(dv, plain.dv, { relative: 3e-5, absolute: 3e-5 });
});

test.each([{ rules: {} }, ...ruled])('a sequence alone has the bits it has among others, by $rules', ({ rules }) => {
  const x = packedHeads([70, 129, 1, 200], { heads: 6, kvHeads: 2, headDim: 16, rules });
  const alone = sequenceOf(x, 1);
  const [all, one] = [everything(x), everything(alone)];
  for (const [i, values] of all.entries()) {
    const width = values.length / 400;
    expect(differingBits(values.slice(70 * width, 199 * width), one[i] ?? values)).toBe(0);
  }
});

test.each([{ rules: {} }, ...ruled])('a prefix has the bits it has before more tokens, by $rules', ({ rules }) => {
  const x = packedHeads([200], { heads: 2, kvHeads: 1, headDim: 24, rules });
  const prefix = sequenceOf({ ...x, lengths: [90, 110], offsets: Int32Array.of(0, 90, 200) }, 0);
  expect(differingBits(attend(x).out.slice(0, 90 * 48), attend(prefix).out)).toBe(0);
});

test.each([
  { lengths: [600], heads: 2, kvHeads: 1, headDim: 32 },
  { lengths: [40, 300, 3, 200, 90], heads: 6, kvHeads: 3, headDim: 32 },
  { lengths: [150, 1, 70], heads: 6, kvHeads: 2, headDim: 10 },
  { lengths: [150, 1, 70], heads: 1, kvHeads: 1, headDim: 80 },
])('threads and instruction sets change no bit: $lengths, $headDim', async ({ lengths, ...size }) => {
  const x = packedHeads(lengths, size);
  expect(await onEverySetting(() => everything(x))).toHaveLength(5);
});

test.each(ruled)('threads and instruction sets change no bit by $rules', async ({ rules }) => {
  const x = packedHeads([40, 3, 330], { heads: 4, kvHeads: 2, headDim: 10, rules });
  expect(await onEverySetting(() => everything(x))).toHaveLength(5);
});

test('a NaN reaches the positions whose window it is in and no other', () => {
  const x = packedHeads([200, 30], { heads: 3, kvHeads: 1, headDim: 16, rules: { window: 20 } });
  const clean = attend(x).out;
  x.k[75 * 16] = Number.NaN;
  x.v[75 * 16 + 3] = Number.NaN;
  const { out } = attend(x);
  expect(differingBits(out.slice(0, 75 * 48), clean.slice(0, 75 * 48))).toBe(0);
  expect(out.slice(75 * 48, 95 * 48).every(Number.isNaN)).toBe(true);
  expect(differingBits(out.slice(95 * 48), clean.slice(95 * 48))).toBe(0);
});

test('a softcap holds where scores are in the thousands', () => {
  const x = packedHeads([130], { heads: 2, kvHeads: 1, headDim: 16, rules: { softcap: 5 } }, 60);
  const [{ out }, { dq, dk, dv }, plain] = [attend(x), attendGrad(x), plainAttention(x)];
  expectClose(out, plain.out, { relative: 1e-4, absolute: 1e-3 });
  for (const [gradient, expected] of [[dq, plain.dq] as const, [dk, plain.dk] as const, [dv, plain.dv] as const]) {
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expectClose(gradient, expected, { relative: 0, absolute: 1e-5 * largest });
  }
});

test('a NaN reaches its own position and later ones, no earlier one and no other sequence', () => {
  const x = packedHeads([100, 30], { heads: 3, kvHeads: 1, headDim: 16 });
  const clean = attend(x).out;
  x.k[75 * 16] = Number.NaN;
  x.v[75 * 16 + 3] = Number.NaN;
  const { out } = attend(x);
  expect(differingBits(out.slice(0, 75 * 48), clean.slice(0, 75 * 48))).toBe(0);
  expect(out.slice(75 * 48, 100 * 48).every(Number.isNaN)).toBe(true);
  expect(differingBits(out.slice(100 * 48), clean.slice(100 * 48))).toBe(0);
});

test('scores in the thousands neither overflow nor vanish', () => {
  const x = packedHeads([130], { heads: 2, kvHeads: 1, headDim: 16 }, 60);
  expectClose(attend(x).out, plainAttention(x).out, { relative: 1e-3, absolute: 1e-3 });
});

test('nothing in gives nothing out, also between sequences', () => {
  const size = { heads: 2, kvHeads: 1, headDim: 8 };
  expect(attend(packedHeads([], size)).out.length).toBe(0);
  expect(everything(packedHeads([0, 3, 0, 4, 0], size))).toEqual(everything(packedHeads([3, 4], size)));
});

test('offsets that do not fit the rows are refused', () => {
  const x = packedHeads([3, 4], { heads: 2, kvHeads: 1, headDim: 8 });
  for (const offsets of [[0, 3], [0, 8, 7], [1, 7], []]) {
    const run = () => runKernel('Attention', headTensors(x), { offsets: Int32Array.from(offsets) });
    expect(run).toThrow(/offsets must ascend|entries|not a size/);
  }
});

/** out, logSumExp, dq, dk and dv */
function everything(x: PackedHeads): Float32Array[] {
  const [{ out, logSumExp }, { dq, dk, dv }] = [attend(x), attendGrad(x)];
  return [out, logSumExp, dq, dk, dv];
}
