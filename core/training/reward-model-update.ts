import * as tf from '@tensorflow/tfjs-core';
import type { WeightedSequence } from '../batch.js';
import { type BradleyTerryLoss, bradleyTerry } from '../reward-models/bradley-terry.js';
import type { Metrics, RewardModelUpdateOptions, TrainSequence } from '../types.js';
import { UpdateMetrics } from '../update-metrics.js';
import { predictorRows, valueHead } from './forward.js';
import { infer } from './infer.js';
import { lastTokenOnly, oneTokenLater } from './last-tokens.js';
import { miniBatches } from './mini-batches.js';
import type { TrainerModels } from './models.js';
import { type Objective, optimizerStep } from './optimizer-step.js';

/**
 * Optimizer steps of the reward model (`bradleyTerry`), whose score is that at a sequence's last token. Sequences of a group stay in
 * one mini-batch; how that is cut into micro-batches changes nothing, because the loss's slopes by the scores are computed first,
 * for the whole of it.
 */
export async function updateRewardModel(
  models: TrainerModels,
  sequences: readonly TrainSequence[],
  options: RewardModelUpdateOptions,
  signal: AbortSignal,
): Promise<Metrics> {
  const metrics = new UpdateMetrics();
  const objective = rewardModelObjective(models);
  const judged = sequences.filter(({ tokens }) => tokens.length > 0).map(lastTokenOnly);
  for (const miniBatch of miniBatches(judged, options, { keepsGroups: true })) {
    signal.throwIfAborted();
    const { loss, slopes, pairs, accuracy, margin } = await lossOf(models, miniBatch, options, signal);
    const members = miniBatch.flatMap((sequence, i): WeightedSequence[] => {
      const slope = slopes[i] ?? 0;
      return slope === 0 ? [] : [{ sequence: oneTokenLater(sequence), weight: slope }];
    });
    const norm = await optimizerStep({ objective, members, options, metrics, name: 'reward model' }, signal);
    metrics.endOfStep();
    if (pairs > 0) {
      for (const [name, value] of Object.entries({ loss, accuracy, margin })) metrics.add(`rm/${name}`, value, pairs);
    }
    metrics.add('rm/grad_norm', norm, 1);
    metrics.add('rm/skipped_steps', Number.isFinite(norm) ? 0 : 1, 1);
  }
  return { ...metrics.means(), 'rm/lr': options.lr };
}

async function lossOf(
  models: TrainerModels,
  miniBatch: readonly TrainSequence[],
  { ppoMaxTokenLenPerGpu }: RewardModelUpdateOptions,
  signal: AbortSignal,
): Promise<BradleyTerryLoss> {
  const options = { columns: ['rewardScores'], temperature: 1, ppoMaxTokenLenPerGpu } as const;
  const { rewardScores } = await infer(models, miniBatch, options, signal);
  return bradleyTerry(
    miniBatch.map(({ group = 0, outcome = 0 }, i) => ({
      score: rewardScores?.[i]?.at(-1) ?? Number.NaN,
      group,
      outcome,
    })),
  );
}

/** Linear in the scores: its gradient is the loss's, because a sequence's weight is the loss's slope by its score. */
function rewardModelObjective(models: TrainerModels): Objective {
  const { weights, optimizer, parts, head } = models.trainedRewardModel;
  return {
    parts: [{ names: weights.names, variables: weights.variables, optimizer }],
    loss(batch) {
      const scores = valueHead(predictorRows(parts, batch), head); // [M], one a sequence
      return tf.sum(tf.mul(scores, batch.weights));
    },
  };
}
