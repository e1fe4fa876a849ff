import type { ScoredMember, TokenEstimates } from './advantage-estimator.js';

/** One advantage on every sampled token of a member, 0 elsewhere; returns are the same. */
export function broadcast({ sequences }: ScoredMember, advantage: number): TokenEstimates[] {
  return sequences.map(({ mask }) => {
    const advantages = mask.map((isSampled) => (isSampled === 1 ? advantage : 0));
    return { advantages, returns: advantages };
  });
}
