import type { ScoredMember } from './advantage-estimator.js';
import { sampledTokens } from './sampled-tokens.js';

/** How rewards count for the tokens before them. */
export interface Discount {
  readonly gamma: number;
  /** Off: the running return is lost at every token that was not sampled, and with it at the end of a sequence. */
  readonly carriesAcrossObservations: boolean;
}

const undiscounted: Discount = { gamma: 1, carriesAcrossObservations: true };

/**
 * G_t = r_t + γ G_(t+1) over the sampled tokens of a member, one row a sequence, 0 where the mask is 0. The return runs through all
 * sequences of the member; tokens that were not sampled take no part, neither with a reward nor with a discount.
 */
export function returnsToGo(
  member: Pick<ScoredMember, 'sequences'>,
  { gamma, carriesAcrossObservations }: Discount = undiscounted,
): readonly (readonly number[])[] {
  const { sequences } = member;
  const rows = sequences.map(({ mask }) => mask.map(() => 0));
  let running = 0;
  for (const { s, t } of sampledTokens(member).reverse()) {
    const [sequence, row] = [sequences[s], rows[s]];
    if (!carriesAcrossObservations && sequence?.mask[t + 1] !== 1) running = 0;
    running = (sequence?.rewards[t] ?? 0) + gamma * running;
    if (row !== undefined) row[t] = running;
  }
  return rows;
}
