import * as tf from '@tensorflow/tfjs-core';
import { sequenceTotals } from '../losses/sequence-sums.js';
import { sampledCount } from '../trajectories.js';
import type { Metrics, ProcessRewardUpdateOptions, TrainSequence } from '../types.js';
import { UpdateMetrics } from '../update-metrics.js';
import { headOutput } from './forward.js';
import { miniBatches } from './mini-batches.js';
import type { TrainerModels } from './models.js';
import { type Objective, optimizerStep } from './optimizer-step.js';

/**
 * Optimizer steps of the implicit process reward model (PRIME, arXiv:2502.01456, eq. 5): cross-entropy of
 * sigmoid(beta Σ_t (log π_φ - log π_ref)) against the outcome, mean over sequences.
 */
export async function updateProcessReward(
  models: TrainerModels,
  sequences: readonly TrainSequence[],
  options: ProcessRewardUpdateOptions,
  signal: AbortSignal,
): Promise<Metrics> {
  const metrics = new UpdateMetrics();
  for (const miniBatch of miniBatches(sequences, options)) {
    signal.throwIfAborted();
    const judged = miniBatch.filter((sequence) => sampledCount(sequence) > 0);
    const members = judged.map((sequence) => ({ sequence, weight: 1 / judged.length, prepared: outcomes(sequence) }));
    const objective = processRewardObjective(models, options, metrics);
    const norm = await optimizerStep(
      { objective, members, options, tokenBudget: models.tokenBudget, metrics, name: 'process reward model' },
      signal,
    );
    metrics.endOfStep();
    metrics.add('prm/grad_norm', norm, 1);
    metrics.add('prm/skipped_steps', Number.isFinite(norm) ? 0 : 1, 1);
  }
  return { ...metrics.means(), 'prm/lr': options.lr };
}

/** The outcome, on each sampled token. */
function outcomes(sequence: TrainSequence): Float32Array {
  return new Float32Array(sampledCount(sequence)).fill(sequence.outcome ?? 0);
}

function processRewardObjective(
  models: TrainerModels,
  { beta, temperature }: ProcessRewardUpdateOptions,
  metrics: UpdateMetrics,
): Objective {
  const { parts, weights, optimizer } = models.processReward;
  return {
    parts: [{ names: weights.names, variables: weights.variables, optimizer }],
    loss(batch) {
      const { logProbs } = headOutput(parts, batch, temperature);
      const totals = (values: tf.Tensor1D): tf.Tensor1D => sequenceTotals(values, batch); // [S] of [M]
      const counts = totals(tf.onesLike(batch.weights)); // [S]
      const logits: tf.Tensor1D = tf.mul(totals(tf.sub(logProbs, batch.refLogProbs)), beta); // [S]
      const outcome: tf.Tensor1D = tf.div(totals(batch.prepared), counts); // [S]
      const losses = tf.sub(tf.softplus(logits), tf.mul(outcome, logits)); // [S]: cross-entropy
      const loss: tf.Scalar = tf.sum(tf.mul(losses, tf.div(totals(batch.weights), counts)));
      const isRight = tf.cast(tf.equal(tf.greater(logits, 0), tf.greater(outcome, 0.5)), 'float32');
      metrics.record({
        means: { 'prm/accuracy': tf.reshape(isRight, [batch.segmentCount]) },
        sums: { 'prm/ce_loss': loss },
      });
      return loss;
    },
  };
}
