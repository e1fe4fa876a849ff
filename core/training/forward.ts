import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from '../batch.js';
import { attendWithin } from '../model/attend.js';
import { decoder } from '../model/decoder.js';
import type { DecoderParts } from '../model/decoder-pass.js';
import { embedding } from '../tensor/embedding.js';
import { linear } from '../tensor/linear.js';
import { type HeadOutput, linearLogProbs } from '../tensor/linear-log-probs.js';

/** [M, C]: what the heads read of each position that predicts a sampled token. */
export function predictorRows(parts: DecoderParts, batch: Batch): tf.Tensor2D {
  const { tokens, positions, offsets } = batch;
  const isCheckpointed = parts.enableGradientCheckpointing;
  const hidden = decoder(parts, { tokens, positions, attend: attendWithin(offsets), isCheckpointed }); // [N, C]
  return embedding(hidden, batch.predictors);
}

/** Log-probs and entropies of the sampled tokens, [M] each, from their predictors' rows [M, C]. */
export function languageHead(parts: DecoderParts, rows: tf.Tensor2D, batch: Batch, temperature: number): HeadOutput {
  const { head, isHeadTrained } = parts.weights; // [V, C]
  return linearLogProbs(rows, head, batch.targets, {
    temperature: divisorOf(temperature),
    softcap: parts.config.finalLogitSoftcapping,
    isWeightFrozen: !isHeadTrained,
  });
}

/** The value of each row: [M] from [M, C] and the head's [1, C]. */
export function valueHead(rows: tf.Tensor2D, head: tf.Tensor2D): tf.Tensor1D {
  return tf.reshape(linear(rows, head), [rows.shape[0]]);
}

/** Log-probs and entropies of the sampled tokens ([M] each) under the current weights. */
export function headOutput(parts: DecoderParts, batch: Batch, temperature: number): HeadOutput {
  return languageHead(parts, predictorRows(parts, batch), batch, temperature);
}

/** What logits are divided by: temperature 0, which picks the likeliest, counts as 1. */
export function divisorOf(temperature: number): number {
  return temperature === 0 ? 1 : temperature;
}
