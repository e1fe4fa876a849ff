import type { ScoredMember } from './advantage-estimator.js';

/**
 * The members that have something to learn from, highest reward first; equal rewards keep the order of the group, so that the earlier
 * one ranks higher. Members without a sampled token are not among them.
 */
export function ranking(members: readonly ScoredMember[]): readonly ScoredMember[] {
  return members
    .filter(({ sequences }) => sequences.some(({ mask }) => mask.includes(1)))
    .toSorted((a, b) => b.reward - a.reward);
}
