import * as tf from '@tensorflow/tfjs-core';
import { afterAll, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { has, nativeAddon } from '../../../helpers/native-addon.js';

const addon = await nativeAddon();

afterAll(() => useBackend('native'));

test.runIf(hasBfloat16())('bfloat16 products are exact for numbers of 8 bits, and round others', async () => {
  await useBackend('native', { matmulPrecision: 'bfloat16', threads: 1 });
  const rows = Array.from({ length: 13 }, (_, i) => Array.from({ length: 35 }, (_, k) => ((i * 7 + k * 3) % 31) - 15));
  const [whole, thirds] = tf.tidy(() => {
    const a = tf.tensor2d(rows);
    return [a, tf.div<tf.Tensor2D>(a, 3)].map((x) => [...tf.matMul(x, a, false, true).dataSync()]);
  });
  const exact = rows.flatMap((x) => rows.map((y) => x.reduce((sum, value, k) => sum + value * y[k]!, 0)));
  expect(whole).toEqual(exact);
  const scale = Math.max(...exact.map(Math.abs)) / 3;
  const error = Math.max(...exact.map((value, i) => Math.abs(value / 3 - thirds![i]!))) / scale;
  expect(error).toBeGreaterThan(0);
  expect(error).toBeLessThan(2 ** -8);
});

test.runIf(hasBfloat16())('afterwards float32 is as before', async () => {
  await useBackend('native');
  expect(addon.isa()).not.toBe('avx512bf16');
});

function hasBfloat16(): boolean {
  const before = addon.isa();
  const isThere = has(addon, 'avx512bf16');
  addon.useIsa(before);
  return isThere;
}
