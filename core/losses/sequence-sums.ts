import * as tf from '@tensorflow/tfjs-core';
import type { PolicyLossInput } from './policy-loss.js';

type Sequences = Pick<PolicyLossInput, 'segments' | 'segmentCount'>;

/** Each token gets the sum of x ([M], finite) over the tokens of its sequence. With gradient, by products that all backends have. */
export function sequenceSums(x: tf.Tensor1D, sequences: Sequences): tf.Tensor1D {
  if (x.size === 0) return x;
  const isMember = membership(sequences); // [M, columns]
  const sums: tf.Tensor2D = tf.matMul(tf.reshape(x, [1, x.size]), isMember); // [1, columns]
  return tf.reshape(tf.matMul(sums, isMember, false, true), [x.size]);
}

/** [S]: the sum of x ([M], finite) over the tokens of each sequence. With gradient. */
export function sequenceTotals(x: tf.Tensor1D, sequences: Sequences): tf.Tensor1D {
  const totals: tf.Tensor2D = tf.matMul(tf.reshape(x, [1, x.size]), membership(sequences)); // [1, columns]
  return tf.slice<tf.Rank.R1, tf.Tensor1D>(tf.reshape(totals, [totals.size]), 0, sequences.segmentCount);
}

/** Each token gets the mean of x ([M], finite) over the tokens of its sequence. */
export function sequenceMeans(x: tf.Tensor1D, sequences: Sequences): tf.Tensor1D {
  return tf.div(sequenceSums(x, sequences), sequenceSums(tf.onesLike(x), sequences));
}

/**
 * 1 where a token belongs to a sequence. tfjs makes no one-hot matrix of a single column, so a further one stays empty; tfjs-wasm
 * makes them right as integers only.
 */
function membership({ segments, segmentCount }: Sequences): tf.Tensor2D {
  const columns = Math.max(2, segmentCount);
  const isMember: tf.Tensor2D = tf.reshape(tf.oneHot(segments, columns), [segments.size, columns]); // [M, columns] int32
  return tf.cast(isMember, 'float32');
}
