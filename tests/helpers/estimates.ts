import { expect } from 'vitest';
import type { Estimates, EstimatorSequence, ScoredMember } from '../../core/advantages/advantage-estimator.js';
import { expectClose } from './expect-close.js';

type Groups = readonly (readonly ScoredMember[])[];

/** A sequence with one sampled token for each '1' of the mask; log-probs -1 and no rewards, the rest as given. */
export function maskedSequence(mask: string, given: Partial<EstimatorSequence> = {}): EstimatorSequence {
  const bits = [...mask].map((bit) => (bit === '1' ? (1 as const) : (0 as const)));
  return { mask: bits, rewards: bits.map(() => 0), oldLogprobs: bits.map(() => -1), turns: [], ...given };
}

/** A member of such sequences, with the sum of their rewards. */
export function memberOf(sequences: readonly EstimatorSequence[], given: Partial<ScoredMember> = {}): ScoredMember {
  const reward = sequences.flatMap(({ rewards }) => rewards).reduce((sum, value) => sum + value, 0);
  return { reward, rewardParts: {}, sequences, ...given };
}

/** All advantages, or returns, end to end. */
export function flatEstimates(estimates: Estimates, what: 'advantages' | 'returns' = 'advantages'): number[] {
  return estimates.flat(2).flatMap((sequence) => [...sequence[what]]);
}

/** Fails unless reversing groups and members reverses the estimates and changes nothing else. */
export function expectOrderInvariance(estimate: (groups: Groups) => Estimates, groups: Groups): void {
  const reverse = <T>(nested: readonly (readonly T[])[]): T[][] =>
    nested.map((members) => members.toReversed()).toReversed();
  const [there, back] = [estimate(groups), reverse(estimate(reverse(groups)))];
  for (const what of ['advantages', 'returns'] as const)
    expectClose(flatEstimates(back, what), flatEstimates(there, what), { relative: 1e-12, absolute: 1e-14 }, what);
  expect(back.map((members) => members.length)).toEqual(groups.map((members) => members.length));
}
