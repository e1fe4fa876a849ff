import type { Estimates, ScoredMember } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { mean, sampleDeviation } from './group-statistics.js';

type Groups = readonly (readonly ScoredMember[])[];

/**
 * Advantages as (A - mean) / √(variance + 1e-8) over all sampled tokens of the step, the variance with Bessel's correction; returns as
 * they are. Equal advantages become exactly 0, and so does the advantage of a single token, where verl raises an error.
 */
export function whitenAdvantages(groups: Groups, estimates: Estimates): Estimates {
  const whitened = whitening(sampledAdvantages(groups, estimates));
  return estimates.map((members, g) =>
    members.map((sequences, m) =>
      sequences.map(({ advantages, returns }, s) => {
        const mask = groups[g]?.[m]?.sequences[s]?.mask ?? [];
        return { advantages: advantages.map((value, t) => (mask[t] === 1 ? whitened(value) : 0)), returns };
      }),
    ),
  );
}

/** One number a member on all its sampled tokens, whitened over those of the step; returns are the same. */
export function whitenOutcomes(groups: Groups, outcomes: readonly (readonly number[])[]): Estimates {
  const spread = groups.map((members, g) => members.map((member, m) => broadcast(member, outcomes[g]?.[m] ?? 0)));
  return whitenAdvantages(groups, spread).map((members) =>
    members.map((sequences) => sequences.map(({ advantages }) => ({ advantages, returns: advantages }))),
  );
}

function sampledAdvantages(groups: Groups, estimates: Estimates): number[] {
  return groups.flatMap((members, g) =>
    members.flatMap(({ sequences }, m) =>
      sequences.flatMap(({ mask }, s) => estimates[g]?.[m]?.[s]?.advantages.filter((_, t) => mask[t] === 1) ?? []),
    ),
  );
}

function whitening(values: readonly number[]): (value: number) => number {
  if (values.length < 2) return () => 0;
  const [centre, deviation] = [mean(values), sampleDeviation(values)];
  const scale = Math.sqrt(deviation ** 2 + 1e-8);
  return (value) => (value - centre) / scale;
}
