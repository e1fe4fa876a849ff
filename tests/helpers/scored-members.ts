import type { EstimatorSequence, ScoredMember } from '../../core/advantages/advantage-estimator.js';

/** A member whose outcome lies at its last sampled token, with a sequence for each mask; the rest as given. */
export function scoredMember(
  reward: number,
  masks: readonly (readonly (0 | 1)[])[] = [[1]],
  given: Partial<ScoredMember> = {},
): ScoredMember {
  const last = masks.findLastIndex((mask) => mask.includes(1));
  const sequences = masks.map((mask, s) => sequenceOf(mask, s === last ? reward : 0));
  return { reward, rewardParts: {}, sequences, ...given };
}

function sequenceOf(mask: readonly (0 | 1)[], reward: number): EstimatorSequence {
  const end = mask.lastIndexOf(1);
  return {
    mask,
    rewards: mask.map((_, t) => (t === end ? reward : 0)),
    oldLogprobs: mask.map(() => -1),
    turns: end < 0 ? [] : [{ start: mask.indexOf(1), end: end + 1, reward: 0, anchor: '' }],
  };
}
