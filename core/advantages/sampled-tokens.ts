import type { ScoredMember } from './advantage-estimator.js';

/** A sampled token: its sequence in the member and its place in the sequence. */
export interface SampledToken {
  readonly s: number;
  readonly t: number;
}

/** The sampled tokens of a member in the order they were sampled, through all its sequences. */
export function sampledTokens({ sequences }: Pick<ScoredMember, 'sequences'>): SampledToken[] {
  return sequences.flatMap(({ mask }, s) => mask.flatMap((isSampled, t) => (isSampled === 1 ? [{ s, t }] : [])));
}
