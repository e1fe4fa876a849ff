import * as tf from '@tensorflow/tfjs-core';
import { tokenWeights } from '../losses/aggregate.js';
import { valueLoss } from '../losses/value-loss.js';
import { sampledCount } from '../trajectories.js';
import type { CriticUpdateOptions, Metrics, TrainSequence } from '../types.js';
import { UpdateMetrics } from '../update-metrics.js';
import { checkedMode } from './checked-mode.js';
import { predictorRows, valueHead } from './forward.js';
import { miniBatches } from './mini-batches.js';
import type { TrainerModels } from './models.js';
import { type Objective, optimizerStep } from './optimizer-step.js';

/** Optimizer steps of the critic towards the sequences' returns. On a shared trunk its head alone learns. */
export async function updateCritic(
  models: TrainerModels,
  sequences: readonly TrainSequence[],
  options: CriticUpdateOptions,
  signal: AbortSignal,
): Promise<Metrics> {
  const mode = checkedMode(options.lossAggMode);
  const metrics = new UpdateMetrics();
  const objective = criticObjective(models, options, metrics);
  for (const miniBatch of miniBatches(sequences, options)) {
    signal.throwIfAborted();
    const weights = tokenWeights(mode, miniBatch.map(sampledCount), options.lossScaleFactor);
    const members = miniBatch.map((sequence, i) => ({ sequence, weight: weights[i] ?? 0 }));
    const computed = members.filter(({ weight }) => weight > 0);
    const norm = await optimizerStep(
      { objective, members: computed, options, tokenBudget: models.tokenBudget, metrics, name: 'critic' },
      signal,
    );
    metrics.endOfStep();
    metrics.add('critic/grad_norm', norm, 1);
    metrics.add('critic/skipped_steps', Number.isFinite(norm) ? 0 : 1, 1);
  }
  return { ...metrics.means(), 'critic/lr': options.lr };
}

function criticObjective(models: TrainerModels, options: CriticUpdateOptions, metrics: UpdateMetrics): Objective {
  const { critic } = models;
  const { weights, optimizer } = critic;
  return {
    parts: [{ names: weights.names, variables: weights.variables, optimizer }],
    loss(batch) {
      const vpreds = valueHead(predictorRows(critic.parts, batch), critic.head); // [M]
      const { losses, metrics: parts } = valueLoss({ ...batch, vpreds }, options);
      const loss: tf.Scalar = tf.sum(tf.mul(losses, batch.weights));
      metrics.record({ means: { ...parts, 'critic/vpred_mean': vpreds }, sums: { 'critic/vf_loss': loss } });
      return loss;
    },
  };
}
