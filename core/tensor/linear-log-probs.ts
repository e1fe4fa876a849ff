import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/** What the head says of each row: the log-prob of its target and the entropy of its distribution, in nats. */
export interface HeadOutput {
  /** [N] float32, <= 0 */
  readonly logProbs: tf.Tensor1D;
  /** [N] float32, >= 0 */
  readonly entropy: tf.Tensor1D;
}

/**
 * The language-model head fused with log_softmax(x Wᵀ / temperature): one target's log-prob and the entropy a row.
 * Keeps probabilities for the gradient: d logProb / d logits = (onehot - p) / temperature, d H / d logits = -p (log p + H) / temperature.
 * @param x [N, C] float32, N at least 1
 * @param weight [V, C] float32
 * @param targets [N] int32, each in [0, V)
 * @param temperature > 0
 */
export function linearLogProbs(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  targets: tf.Tensor1D,
  temperature: number,
): HeadOutput {
  return tf.tidy(() => {
    const both = stackedLogProbs(x, weight, targets, temperature); // [2, N]
    const rows = x.shape[0];
    const logProbs: tf.Tensor1D = tf.reshape(tf.slice(both, [0, 0], [1, rows]), [rows]);
    const entropy: tf.Tensor1D = tf.reshape(tf.slice(both, [1, 0], [1, rows]), [rows]);
    return { logProbs, entropy };
  });
}

/** [2, N]: log-probs, then entropies; one op, so that its gradient makes the gradient of the logits once. */
function stackedLogProbs(x: tf.Tensor2D, weight: tf.Tensor2D, targets: tf.Tensor1D, temperature: number): tf.Tensor {
  const vocabSize = weight.shape[0];
  return differentiable([x, weight], () => {
    const logits: tf.Tensor2D = tf.div(tf.matMul(x, tf.transpose(weight)), temperature); // [N, V]
    const shifted: tf.Tensor2D = tf.sub(logits, tf.max(logits, 1, true)); // [N, V]
    const exponentials = tf.exp(shifted); // [N, V]
    const total: tf.Tensor2D = tf.sum(exponentials, 1, true); // [N, 1]
    const probabilities: tf.Tensor2D = tf.div(exponentials, total); // [N, V]
    const logProbs: tf.Tensor2D = tf.sub(shifted, tf.log(total)); // [N, V]
    const chosen: tf.Tensor1D = tf.sum(tf.mul(logProbs, oneHot(targets, vocabSize)), 1); // [N]
    const entropy: tf.Tensor1D = tf.sum(tf.mul(probabilities, tf.neg(logProbs)), 1); // [N]
    return {
      value: tf.stack([chosen, entropy]), // [2, N]
      saved: { x, weight, probabilities, logProbs, targets, entropy },
      gradient: (dy, { x, weight, probabilities, logProbs, targets, entropy }) => {
        const [dChosen, dEntropy] = tf.unstack(tf.div(dy, temperature)).map((row) => tf.expandDims(row, 1)); // [N, 1] each
        if (dChosen === undefined || dEntropy === undefined) throw new Error('gradient of the head must have two rows');
        const towardsTarget = tf.mul(tf.sub(oneHot(targets, vocabSize), probabilities), dChosen); // [N, V]
        const towardsSpread = tf.mul(tf.mul(probabilities, tf.add(logProbs, tf.expandDims(entropy, 1))), dEntropy); // [N, V]
        const dLogits: tf.Tensor2D = tf.sub(towardsTarget, towardsSpread); // [N, V]
        return [tf.matMul(dLogits, weight), tf.matMul(tf.transpose(dLogits), x)];
      },
    };
  });
}

/** [N, V] float32. Cast afterwards: tfjs-wasm fills a float32 oneHot with integer bit patterns. */
function oneHot(targets: tf.Tensor1D, depth: number): tf.Tensor {
  return tf.cast(tf.oneHot(targets, depth), 'float32');
}
