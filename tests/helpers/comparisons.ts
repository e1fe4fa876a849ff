import type { RewardModelUpdateOptions, Trainer, TrainSequence } from '../../core/types.js';
import { never, tokensOf } from './tiny-policy.js';

export const rewardModelUpdate: RewardModelUpdateOptions = {
  model: 'rewardModel',
  lossAggMode: 'token-mean',
  lossScaleFactor: 1,
  ppoEpochs: 1,
  ppoMiniBatchSize: 64,
  ppoMaxTokenLenPerGpu: 128,
  shuffle: false,
  seed: 0,
  lr: 1e-3,
  weightDecay: 0.01,
  betas: [0.9, 0.95],
  gradClip: 1,
};

export const inferScores = { columns: ['rewardScores'], temperature: 1, ppoMaxTokenLenPerGpu: 128 } as const;

/** Sequences in pairs, the first of each the better one. */
export function comparisons(count: number): TrainSequence[] {
  return Array.from({ length: 2 * count }, (_, i) => ({
    ...scoredSequence(tokensOf(5 + 3 * i, 'comparison', i)),
    group: i >> 1,
    outcome: 1 - (i % 2),
  }));
}

/** The tokens, of which the last is asked for. */
export function scoredSequence(tokens: readonly number[]): TrainSequence {
  const zeros = tokens.map(() => 0);
  return { tokens, mask: tokens.map((_, t) => (t === tokens.length - 1 ? 1 : 0)), logprobs: zeros, advantages: zeros };
}

/** The reward model's scores at the sequences' last tokens. */
export async function scoresOf(
  trainer: Pick<Trainer, 'infer'>,
  sequences: readonly TrainSequence[],
): Promise<readonly number[]> {
  const { rewardScores = [] } = await trainer.infer(sequences, inferScores, never);
  return rewardScores.map((row) => row.at(-1) ?? Number.NaN);
}
