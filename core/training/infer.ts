import * as tf from '@tensorflow/tfjs-core';
import { Batch } from '../batch.js';
import { sumPiSquared } from '../tensor/sum-pi-squared.js';
import { sampledCount } from '../trajectories.js';
import type { InferColumn, InferOptions, InferredColumns, TrainSequence } from '../types.js';
import { divisorOf, headOutput, languageHead, predictorRows, valueHead } from './forward.js';
import { oneTokenLater } from './last-tokens.js';
import type { TrainerModels } from './models.js';

type Inferred = Pick<TrainSequence, 'tokens' | 'mask'>;

/** Numbers of the sampled tokens under the current weights, by column: one list a sequence, 0 where the mask is 0. */
export async function infer(
  models: TrainerModels,
  sequences: readonly Inferred[],
  options: InferOptions,
  signal: AbortSignal,
): Promise<InferredColumns> {
  const own = options.columns.filter((column) => column !== 'rewardScores');
  const later = options.columns.filter((column) => column === 'rewardScores');
  return {
    ...(await inferOf(models, { sequences, toBatch: forBatch }, { ...options, columns: own }, signal)),
    ...(await inferOf(models, { sequences, toBatch: oneTokenLater }, { ...options, columns: later }, signal)),
  };
}

interface InferredSequences {
  readonly sequences: readonly Inferred[];
  /** Keeps the number of masked tokens. */
  toBatch(sequence: Inferred): TrainSequence;
}

async function inferOf(
  models: TrainerModels,
  { sequences, toBatch }: InferredSequences,
  { columns, temperature, ...limit }: InferOptions,
  signal: AbortSignal,
): Promise<InferredColumns> {
  const results: { [Column in InferColumn]?: number[][] } = {};
  for (const column of columns) results[column] = sequences.map(({ tokens }) => tokens.map(() => 0));
  if (columns.length === 0) return results;
  const members = sequences.map((sequence) => ({ sequence: toBatch(sequence), weight: 1 }));
  const indexes = new Map(members.map(({ sequence }, index) => [sequence, index]));
  const computed = members.filter(({ sequence }) => sampledCount(sequence) > 0);
  const request = { kind: `infer ${columns.join(' ')}`, members: computed, limit, fixedBytes: 0 };
  for (const microBatch of models.tokenBudget.passes(request)) {
    signal.throwIfAborted();
    using batch = new Batch(microBatch);
    const tensors = tf.tidy(() => compute(models, batch, columns, temperature));
    const values = await Promise.all(columns.map((column) => tensors[column]?.data()));
    tf.dispose(Object.values(tensors));
    for (const [c, column] of columns.entries()) {
      let next = 0;
      for (const { sequence } of microBatch) {
        const index = indexes.get(sequence) ?? -1;
        const row = results[column]?.[index];
        for (const [t, isSampled] of (sequences[index]?.mask ?? []).entries()) {
          if (isSampled === 1 && row !== undefined) row[t] = values[c]?.[next++] ?? Number.NaN;
        }
      }
    }
  }
  return results;
}

/** [M] a column. */
function compute(
  models: TrainerModels,
  batch: Batch,
  columns: readonly InferColumn[],
  temperature: number,
): { [Column in InferColumn]?: tf.Tensor1D } {
  const { policy } = models;
  const wants = (...names: InferColumn[]): boolean => names.some((name) => columns.includes(name));
  const results: { [Column in InferColumn]?: tf.Tensor1D } = {};
  if (wants('logprobs', 'entropy', 'sumPiSquared')) {
    const rows = predictorRows(policy, batch); // [M, C]
    const { logProbs, entropy } = languageHead(policy, rows, batch, temperature);
    if (wants('logprobs')) results.logprobs = logProbs;
    if (wants('entropy')) results.entropy = entropy;
    if (wants('sumPiSquared')) {
      const rules = { temperature: divisorOf(temperature), softcap: policy.config.finalLogitSoftcapping };
      results.sumPiSquared = sumPiSquared(rows, policy.weights.head, rules);
    }
  }
  if (wants('refLogprobs')) results.refLogprobs = headOutput(models.reference.parts, batch, temperature).logProbs;
  if (wants('processLogprobs')) {
    results.processLogprobs = headOutput(models.processReward.parts, batch, temperature).logProbs;
  }
  if (wants('values')) results.values = valueHead(predictorRows(models.critic.parts, batch), models.critic.head);
  if (wants('rewardScores')) {
    const { parts, head } = models.rewardModel;
    results.rewardScores = valueHead(predictorRows(parts, batch), head);
  }
  return results;
}

/** A batch wants columns that inferring does not read. */
function forBatch({ tokens, mask }: Inferred): TrainSequence {
  const zeros = tokens.map(() => 0);
  return { tokens, mask, logprobs: zeros, advantages: zeros };
}
