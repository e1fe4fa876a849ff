import { assert } from '../errors.js';
import type { EstimatorSequence, ScoredMember, TokenEstimates } from './advantage-estimator.js';
import { weightedMean } from './group-statistics.js';
import { returnsToGo } from './returns-to-go.js';
import { type SampledToken, sampledTokens } from './sampled-tokens.js';

/** Where each sampled token of a member stands: tokens of a group at equal positions share a baseline. */
export type Positions = (member: ScoredMember, tokens: readonly SampledToken[]) => readonly number[];

interface Aligned {
  readonly tokens: readonly SampledToken[];
  readonly positions: readonly number[];
  readonly rows: readonly (readonly number[])[];
  /** Of the tokens. */
  readonly returns: readonly number[];
  readonly energies: readonly number[];
}

/**
 * Estimates of one group by the optimal token baseline (arXiv:2602.07078): A_t = G_t - B_t, B_t = Σ G_t W_t / max(1e-8, |Σ W_t|) over the
 * members that have a sampled token at the position; returns are G. G_t is the sum of the rewards from t on, and
 * W_t = Σ_(s≤t) ρ_s² (1 - 2 π(y_s) + Σ_v π(v)²), with importance weights ρ where there are some. B is 0 when no other member of the group has a
 * token at all. With `handleZeroTail` so it is for the one longest member, from the second longest's number of tokens on.
 */
export function tokenBaselineEstimates(
  members: readonly ScoredMember[],
  positionsOf: Positions,
  { handleZeroTail }: { readonly handleZeroTail: boolean },
): TokenEstimates[][] {
  const aligned = members.map((member) => align(member, positionsOf));
  const baselines = baselinesByPosition(aligned);
  const [longest = 0, second = 0] = aligned.map(({ tokens }) => tokens.length).sort((a, b) => b - a);
  return aligned.map((member) => {
    const isLongest = member.tokens.length === longest && longest > second;
    const end = second === 0 ? 0 : handleZeroTail && isLongest ? second : Number.POSITIVE_INFINITY;
    return subtract(member, (position) => (position < end ? (baselines.get(position) ?? 0) : 0));
  });
}

function align(member: ScoredMember, positionsOf: Positions): Aligned {
  const tokens = sampledTokens(member);
  const rows = returnsToGo(member);
  let energy = 0;
  const energies = tokens.map(({ s, t }) => {
    energy += tokenEnergy(member.sequences[s], t);
    return energy;
  });
  const returns = tokens.map(({ s, t }) => rows[s]?.[t] ?? 0);
  return { tokens, positions: positionsOf(member, tokens), rows, returns, energies };
}

/** ‖∇ log π‖² with regard to the logits, times the square of the importance weight. */
function tokenEnergy(sequence: EstimatorSequence | undefined, t: number): number {
  const [logProb, sumPiSquared] = [sequence?.oldLogprobs[t], sequence?.sumPiSquared?.[t]];
  assert(
    logProb !== undefined && sumPiSquared !== undefined,
    `optimal token baselines need the old log-prob and Σπ² of every sampled token; token ${t} has ${logProb} and ${sumPiSquared}`,
  );
  const weight = sequence?.rolloutIsWeights?.[t] ?? 1;
  return (1 - 2 * Math.exp(logProb) + sumPiSquared) * weight ** 2;
}

function baselinesByPosition(members: readonly Aligned[]): ReadonlyMap<number, number> {
  const columns = new Map<number, { readonly returns: number[]; readonly energies: number[] }>();
  for (const { positions, returns, energies } of members) {
    for (const [i, position] of positions.entries()) {
      const column = columns.get(position) ?? { returns: [], energies: [] };
      column.returns.push(returns[i] ?? 0);
      column.energies.push(energies[i] ?? 0);
      columns.set(position, column);
    }
  }
  return new Map([...columns].map(([position, { returns, energies }]) => [position, optimal(returns, energies)]));
}

function optimal(returns: readonly number[], energies: readonly number[]): number {
  const total = energies.reduce((sum, energy) => sum + energy, 0);
  return weightedMean(returns, energies) * Math.min(1, Math.abs(total) / 1e-8);
}

function subtract({ tokens, positions, rows }: Aligned, baselineAt: (position: number) => number): TokenEstimates[] {
  const advantages = rows.map((row) => row.map(() => 0));
  for (const [i, { s, t }] of tokens.entries()) {
    const row = advantages[s];
    if (row !== undefined) row[t] = (rows[s]?.[t] ?? 0) - baselineAt(positions[i] ?? 0);
  }
  return rows.map((returns, s) => ({ advantages: advantages[s] ?? [], returns }));
}
