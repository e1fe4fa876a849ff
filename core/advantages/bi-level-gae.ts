import { z } from 'zod';
import { assert } from '../errors.js';
import type { AdvantageEstimator, EstimatorSequence, ScoredMember, TokenEstimates } from './advantage-estimator.js';
import { whitenAdvantages } from './whiten.js';

export const biLevelGaeSettings = z.strictObject({
  name: z.literal('bi_level_gae'),
  gamma: z.number().min(0).max(1).default(1).describe('discount a token, inside a turn'),
  lam: z.number().min(0).max(1).default(1).describe('lambda of GAE over the tokens of a turn'),
  gammaTurn: z.number().min(0).max(1).default(0.95).describe('discount a turn'),
  lamTurn: z.number().min(0).max(1).default(1).describe('lambda of GAE over turns'),
});

type Settings = z.output<typeof biLevelGaeSettings>;

/**
 * Bi-level GAE of VAGEN (arXiv:2510.16907) and RAGEN (arXiv:2504.20073): first GAE over turns, then over the tokens inside each.
 * Turns: A_k = r_k + gammaTurn V_(k+1) - V_k + gammaTurn lamTurn A_(k+1), where r_k and V_k are reward and value of the turn's last
 * sampled token, as in the code both published. That token's advantage is A_k; those before it in the turn have
 * A_t = r_t + gamma V_(t+1) - V_t + gamma lam A_(t+1). Returns are A + V; advantages are whitened over the batch after.
 *
 * The last token's value stands for the turn because then the two levels fit: with all four settings 1 this is GAE over the sampled
 * tokens. (With the first token's, every advantage of the turn would be off by the difference of the two values.)
 * Both have one lambda for both levels; RAGEN's code takes a turn to end wherever a token has a reward. Rewards inside a turn, such as
 * a KL penalty, stay in it: earlier turns see its last token's alone. Turns follow each other in the order of the sequences; a turn
 * without a sampled token is none; a sampled token outside of turns has advantage 0 before whitening.
 */
export const biLevelGae: AdvantageEstimator<Settings> = (groups, settings) => {
  const estimates = groups.map((members) => members.map((member) => memberEstimates(member, settings)));
  return whitenAdvantages(groups, estimates);
};

function memberEstimates(member: ScoredMember, settings: Settings): TokenEstimates[] {
  const advantages = memberAdvantages(member, settings);
  return member.sequences.map((sequence, s) => {
    const [values, row] = [valuesOf(sequence), advantages[s] ?? []];
    const returns = sequence.mask.map((isSampled, t) => (isSampled === 1 ? (row[t] ?? 0) + (values[t] ?? 0) : 0));
    return { advantages: row, returns };
  });
}

/** [sequence][token], not whitened. */
function memberAdvantages({ sequences }: ScoredMember, settings: Settings): number[][] {
  const { gammaTurn, lamTurn } = settings;
  let after = { value: 0, advantage: 0 };
  return sequences
    .toReversed()
    .map((sequence) => {
      const advantages = sequence.mask.map(() => 0);
      for (const { start, end } of sequence.turns.toReversed()) {
        const last = sequence.mask.lastIndexOf(1, end - 1);
        if (end <= start || last < start) continue;
        const value = valuesOf(sequence)[last] ?? 0;
        const delta = (sequence.rewards[last] ?? 0) + gammaTurn * after.value - value;
        after = { value, advantage: delta + gammaTurn * lamTurn * after.advantage };
        advantages[last] = after.advantage;
        fillTurn(advantages, sequence, { start, last, settings });
      }
      return advantages;
    })
    .reverse();
}

/** Advantages of the sampled tokens in [start, last), from that of `last` backwards. */
function fillTurn(
  advantages: number[],
  sequence: EstimatorSequence,
  turn: { readonly start: number; readonly last: number; readonly settings: Settings },
): void {
  const { gamma, lam } = turn.settings;
  const values = valuesOf(sequence);
  let next = turn.last;
  for (let t = turn.last - 1; t >= turn.start; t--) {
    if (sequence.mask[t] !== 1) continue;
    const delta = (sequence.rewards[t] ?? 0) + gamma * (values[next] ?? 0) - (values[t] ?? 0);
    advantages[t] = delta + gamma * lam * (advantages[next] ?? 0);
    next = t;
  }
}

function valuesOf({ values, mask }: EstimatorSequence): readonly number[] {
  assert(
    values?.length === mask.length,
    `bi_level_gae needs values of ${mask.length} tokens, got ${values?.length ?? 0}`,
  );
  return values;
}
