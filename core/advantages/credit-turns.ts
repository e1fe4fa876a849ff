import type { ScoredMember, TokenEstimates } from './advantage-estimator.js';

/** One advantage for the whole of a member and one for each of its turns, in the order of its sequences. */
export interface MemberCredit {
  readonly whole: number;
  readonly turns: readonly number[];
}

/** The sum of both on every sampled token, 0 elsewhere; a token of no turn has the whole's alone. Returns are the same. */
export function creditTurns({ sequences }: ScoredMember, { whole, turns }: MemberCredit): TokenEstimates[] {
  let first = 0;
  return sequences.map((sequence) => {
    const credit = sequence.mask.map(() => whole);
    for (const [k, { start, end }] of sequence.turns.entries())
      credit.fill(whole + (turns[first + k] ?? 0), start, end);
    first += sequence.turns.length;
    const advantages = sequence.mask.map((isSampled, t) => (isSampled === 1 ? (credit[t] ?? 0) : 0));
    return { advantages, returns: advantages };
  });
}
