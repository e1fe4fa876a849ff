import type { ScoredMember } from './advantage-estimator.js';
import { mean } from './group-statistics.js';

/** Numbers of tokens in the shape of the groups: [group][member][sequence][token]. */
export type TokenNumbers = readonly (readonly (readonly (readonly number[])[])[])[];

/**
 * (x - mean) / sqrt(variance + 1e-8) over all sampled tokens of all groups, 0 elsewhere; the variance is unbiased, as verl's. A batch
 * of one sampled token, which verl refuses, becomes 0.
 */
export function whitenTokens(
  groups: readonly (readonly ScoredMember[])[],
  values: TokenNumbers,
): readonly (readonly (readonly number[][])[])[] {
  const isSampled = (g: number, m: number, s: number, t: number): boolean =>
    groups[g]?.[m]?.sequences[s]?.mask[t] === 1;
  const sampled = values.flatMap((members, g) =>
    members.flatMap((sequences, m) => sequences.flatMap((row, s) => row.filter((_, t) => isSampled(g, m, s, t)))),
  );
  const centre = mean(sampled);
  const variance = sampled.reduce((sum, x) => sum + (x - centre) ** 2, 0) / Math.max(1, sampled.length - 1);
  const deviation = Math.sqrt(variance + 1e-8);
  return values.map((members, g) =>
    members.map((sequences, m) =>
      sequences.map((row, s) => row.map((x, t) => (isSampled(g, m, s, t) ? (x - centre) / deviation : 0))),
    ),
  );
}
