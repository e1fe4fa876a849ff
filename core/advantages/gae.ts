import { z } from 'zod';
import { assert } from '../errors.js';
import type { AdvantageEstimator, ScoredMember, TokenEstimates } from './advantage-estimator.js';
import { sampledTokens } from './sampled-tokens.js';
import { whitenAdvantages } from './whiten.js';

export const gaeSettings = z.strictObject({
  name: z.literal('gae'),
  gamma: z.number().min(0).max(1).default(1).describe('discount a sampled token'),
  lam: z.number().min(0).max(1).default(1).describe("λ: 0 trusts the critic's next value, 1 the rewards alone"),
});

type Settings = z.output<typeof gaeSettings>;

/**
 * GAE (arXiv:1506.02438, equation 16): A_t = δ_t + γλ A_(t+1), δ_t = r_t + γ V_(t+1) - V_t, over the sampled tokens of a member, through
 * all its sequences, with V = 0 after the last. Tokens that were not sampled are stepped over: their values and rewards have no part.
 * Returns are A + V; advantages are then whitened over the step.
 */
export const gae: AdvantageEstimator<Settings> = (groups, settings) =>
  whitenAdvantages(
    groups,
    groups.map((members) => members.map((member) => memberEstimates(member, settings))),
  );

function memberEstimates(member: ScoredMember, { gamma, lam }: Settings): TokenEstimates[] {
  const { sequences } = member;
  const rows = sequences.map(({ mask }) => ({ advantages: mask.map(() => 0), returns: mask.map(() => 0) }));
  let [advantage, nextValue] = [0, 0];
  for (const { s, t } of sampledTokens(member).reverse()) {
    const [row, value] = [rows[s], sequences[s]?.values?.[t]];
    assert(row !== undefined && value !== undefined, `gae needs a value for every sampled token; token ${t} has none`);
    const delta = (sequences[s]?.rewards[t] ?? 0) + gamma * nextValue - value;
    advantage = delta + gamma * lam * advantage;
    nextValue = value;
    row.advantages[t] = advantage;
    row.returns[t] = advantage + value;
  }
  return rows;
}
