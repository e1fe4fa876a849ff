import type { PassLimit, Trainer, TrainSequence } from '../types.js';

/** Mean negative log-likelihood, in nats, of the tokens whose mask is 1 under the current weights; NaN where there is none. */
export async function heldOutLoss(
  trainer: Trainer,
  sequences: readonly TrainSequence[],
  limit: PassLimit,
  signal: AbortSignal,
): Promise<number> {
  const { logprobs = [] } = await trainer.infer(sequences, { ...limit, columns: ['logprobs'], temperature: 1 }, signal);
  let [sum, count] = [0, 0];
  for (const [s, { mask }] of sequences.entries()) {
    for (const [t, isLearnt] of mask.entries()) {
      if (isLearnt === 0) continue;
      sum -= logprobs[s]?.[t] ?? Number.NaN;
      count += 1;
    }
  }
  return sum / count;
}
