import * as tf from '@tensorflow/tfjs-core';
import { capLogits } from '../tensor/cap-logits.js';
import { embedding } from '../tensor/embedding.js';
import { linear } from '../tensor/linear.js';
import { attendWithin } from './attend.js';
import { decoder } from './decoder.js';
import type { DecoderParts } from './decoder-pass.js';

/**
 * The logits after every token of some sequences, for comparisons and small uses: training and sampling never hold them whole.
 * @param tokens not empty, of at least one token each
 * @returns [N, V] float32: the positions of the first sequence, then the next one's
 */
export function logits(parts: DecoderParts, tokens: readonly (readonly number[])[]): tf.Tensor2D {
  return tf.tidy(() => languageLogits(parts, hiddenRows(parts, tokens)));
}

/** The logits after the last token of each sequence, [S, V] float32. */
export function lastLogits(parts: DecoderParts, tokens: readonly (readonly number[])[]): tf.Tensor2D {
  return tf.tidy(() => {
    const lastRows = offsetsOf(tokens)
      .subarray(1)
      .map((end) => end - 1);
    return languageLogits(parts, embedding(hiddenRows(parts, tokens), tf.tensor1d(lastRows, 'int32')));
  });
}

/** [N, C] */
function hiddenRows(parts: DecoderParts, tokens: readonly (readonly number[])[]): tf.Tensor2D {
  return decoder(parts, {
    tokens: tf.tensor1d(tokens.flat(), 'int32'),
    positions: tf.tensor1d(
      tokens.flatMap((sequence) => sequence.map((_, position) => position)),
      'int32',
    ),
    attend: attendWithin(offsetsOf(tokens)),
    isCheckpointed: false,
  });
}

/** [M, V] from [M, C] */
function languageLogits({ config, weights }: DecoderParts, rows: tf.Tensor2D): tf.Tensor2D {
  return capLogits(linear(rows, weights.head), config.finalLogitSoftcapping);
}

/** [S + 1]: 0, then where each sequence ends. */
function offsetsOf(tokens: readonly (readonly number[])[]): Int32Array {
  const offsets = new Int32Array(tokens.length + 1);
  for (const [s, { length }] of tokens.entries()) offsets[s + 1] = (offsets[s] ?? 0) + length;
  return offsets;
}
