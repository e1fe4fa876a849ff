import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/**
 * What a result must equal whose sequence was computed beside others: `expected` to the bit. TensorFlow alone chooses its algorithm by the
 * size of a product: there tokens must be equal, and log-probs within 5e-6, some tens of times what the last bits of float32 are.
 */
export function sameBeside(expected: unknown): unknown {
  return tf.getBackend() === 'tensorflow' ? nearly(expected) : expected;
}

function nearly(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : expect.closeTo(value, 5);
  if (Array.isArray(value)) return value.map(nearly);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, nearly(part)]));
}
