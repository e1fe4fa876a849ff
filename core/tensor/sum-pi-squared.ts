import * as tf from '@tensorflow/tfjs-core';
import { capLogits } from './cap-logits.js';
import { checkShapes } from './check-shapes.js';
import type { HeadRules } from './linear-log-probs.js';

/** Logits held at once. */
const maxLogits = 2 ** 22;

/**
 * Σ_v p(v)² of each row's distribution p = softmax(x Wᵀ / temperature): the probability that two draws agree. No gradient.
 * @param x [N, C] float32
 * @param weight [V, C] float32
 * @returns [N] float32
 */
export function sumPiSquared(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  { temperature, softcap = 0 }: Omit<HeadRules, 'isWeightFrozen'>,
): tf.Tensor1D {
  checkShapes(
    'sumPiSquared',
    { x, weight },
    {
      'x is [N, C]': x.rank === 2,
      'weight is [V, C] with the C of x': weight.rank === 2 && weight.shape[1] === x.shape[1],
    },
  );
  const size = Math.max(1, Math.floor(maxLogits / weight.shape[0]));
  const pieces: tf.Tensor1D[] = [];
  for (let start = 0; start < x.shape[0]; start += size) {
    const count = Math.min(size, x.shape[0] - start);
    pieces.push(
      tf.tidy(() => {
        const logits: tf.Tensor2D = tf.matMul(tf.slice(x, start, count), weight, false, true); // [n, V]
        const probabilities = tf.softmax(tf.div(capLogits(logits, softcap), temperature)); // [n, V]
        return tf.sum<tf.Tensor1D>(tf.square(probabilities), 1);
      }),
    );
  }
  if (pieces.length === 0) return tf.tensor1d([], 'float32');
  const joined = tf.concat1d(pieces);
  tf.dispose(pieces);
  return joined;
}
