import { z } from 'zod';
import { Rng, rngKey } from '../rng.js';
import { optimizerConfig, optimizerOptions } from '../schedule.js';
import type { Metrics, Trainer, TrainSequence } from '../types.js';

export const rewardModelTrainingConfig = z.strictObject({
  steps: z.int().min(1).default(200).describe('optimizer steps'),
  batchSize: z.int().min(1).default(32).describe('comparisons an optimizer step'),
  maxTokenLenPerGpu: z.int().min(1).default(16_384).describe('tokens a forward pass, of whole sequences'),
  optimizer: optimizerConfig.prefault({}).describe('learning rate and its course'),
});

export type RewardModelTrainingConfig = z.output<typeof rewardModelTrainingConfig>;

/** Two answers to one prompt as tokens, the prompt included. */
export interface Comparison {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
}

/**
 * Trains the trainer's reward model, which begins as a copy of its policy with a value head, to score what was chosen above what
 * was rejected. Batches are drawn with replacement, by seed and step alone; `onStep` is told the metrics of each. Afterwards
 * `trainer.save` writes a directory that `rewardModel.path` may name.
 */
export async function trainRewardModel(
  comparisons: readonly Comparison[],
  {
    config,
    trainer,
    seed,
    onStep,
  }: {
    readonly config: RewardModelTrainingConfig;
    readonly trainer: Pick<Trainer, 'update'>;
    readonly seed: number;
    readonly onStep: (step: number, metrics: Metrics) => void;
  },
  signal: AbortSignal,
): Promise<void> {
  for (let step = 1; step <= config.steps; step++) {
    const rng = new Rng(rngKey(seed, 'reward-model', step));
    const drawn = Array.from({ length: config.batchSize }, () => comparisons[rng.int(comparisons.length)]);
    const sequences = drawn.flatMap((comparison, group) =>
      comparison === undefined
        ? []
        : [ranked(comparison.chosen, { group, outcome: 1 }), ranked(comparison.rejected, { group, outcome: 0 })],
    );
    const metrics = await trainer.update(
      sequences,
      {
        model: 'rewardModel',
        lossAggMode: 'token-mean',
        lossScaleFactor: 1,
        ppoEpochs: 1,
        ppoMiniBatchSize: sequences.length,
        ppoMaxTokenLenPerGpu: config.maxTokenLenPerGpu,
        shuffle: false,
        seed: rngKey(seed, 'reward-model-update', step),
        ...optimizerOptions(config.optimizer, step, config.steps),
      },
      signal,
    );
    onStep(step, metrics);
  }
}

function ranked(tokens: readonly number[], place: { readonly group: number; readonly outcome: number }): TrainSequence {
  const zeros = tokens.map(() => 0);
  const mask = tokens.map((_, t) => (t === tokens.length - 1 ? 1 : 0));
  return { tokens, mask, logprobs: zeros, advantages: zeros, ...place };
}
