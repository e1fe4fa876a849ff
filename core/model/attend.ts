import * as tf from '@tensorflow/tfjs-core';
import { attention } from '../tensor/attention.js';
import type { Attend } from './decoder.js';

/** Attention among whole sequences from position 0, laid out as [B, T] padded on the right: training and prefill. */
export function attendWithin(batch: number, length: number): Attend {
  const split = (x: tf.Tensor3D): tf.Tensor4D => tf.reshape(x, [batch, length, x.shape[1], x.shape[2]]); // [B, T, H, D]
  return (_layer, q, k, v) => tf.reshape(attention(split(q), split(k), split(v)), q.shape);
}
