import type { TrainSequence } from '../types.js';

type Masked = Pick<TrainSequence, 'tokens' | 'mask'>;

/**
 * The sequence one token later, for a batch: what it takes to predict the token after each masked one is the state at the masked
 * one itself, which is where a reward model reads. The token added at the end is never computed.
 */
export function oneTokenLater({ tokens, mask }: Masked): TrainSequence {
  const zeros = [0, ...tokens.map(() => 0)];
  return { tokens: [...tokens, 0], mask: [0, ...mask], logprobs: zeros, advantages: zeros };
}

/** The same sequence with only its last token masked. */
export function lastTokenOnly<Sequence extends Masked>(sequence: Sequence): Sequence {
  const last = sequence.tokens.length - 1;
  return { ...sequence, mask: sequence.tokens.map((_, t) => (t === last ? 1 : 0)) };
}
