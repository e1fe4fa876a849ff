import type { Estimates } from '../../core/advantages/advantage-estimator.js';

/** All advantages in one row: groups, members, sequences and tokens in order. */
export function advantagesIn(estimates: Estimates): number[] {
  return estimates.flat(2).flatMap(({ advantages }) => advantages);
}

/** The same of returns. */
export function returnsIn(estimates: Estimates): number[] {
  return estimates.flat(2).flatMap(({ returns }) => returns);
}

/** The advantage of each member's first token, [group][member]; 0 where it has none. */
export function memberAdvantages(estimates: Estimates): number[][] {
  return estimates.map((members) => members.map((sequences) => sequences[0]?.advantages[0] ?? 0));
}

/** How numbers are compared with worked examples: |ours - expected| <= 1e-6 + 1e-5 |expected|. */
export const workedTolerance = { relative: 1e-5, absolute: 1e-6 };
