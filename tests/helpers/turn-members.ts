import type { EstimatorSequence, EstimatorTurn, ScoredMember } from '../../core/advantages/advantage-estimator.js';

/** A turn of so many sampled tokens, followed by one token of the environment's. */
export interface GivenTurn {
  readonly reward?: number;
  readonly anchor?: string;
  readonly tokens?: number;
}

/** A sequence of these turns; their own rewards at their last tokens. */
export function turnSequence(given: readonly GivenTurn[], more: Partial<EstimatorSequence> = {}): EstimatorSequence {
  const mask: (0 | 1)[] = [];
  const rewards: number[] = [];
  const turns: EstimatorTurn[] = [];
  for (const { reward = 0, anchor = '', tokens = 1 } of given) {
    turns.push({ start: mask.length, end: mask.length + tokens, reward, anchor });
    for (let t = 0; t < tokens; t++) mask.push(1);
    mask.push(0);
    rewards.push(...Array.from({ length: tokens }, (_, t) => (t === tokens - 1 ? reward : 0)), 0);
  }
  return { mask, rewards, oldLogprobs: mask.map(() => -1), turns, ...more };
}

/** A member of these sequences; what is left of the reward lies at its last sampled token. */
export function turnMember(reward: number, sequences: readonly EstimatorSequence[]): ScoredMember {
  const own = sequences.flatMap(({ rewards }) => rewards).reduce((sum, r) => sum + r, 0);
  const last = sequences.findLastIndex(({ mask }) => mask.includes(1));
  return {
    reward,
    rewardParts: {},
    sequences: sequences.map((sequence, s) => (s === last ? withOutcome(sequence, reward - own) : sequence)),
  };
}

function withOutcome(sequence: EstimatorSequence, left: number): EstimatorSequence {
  const end = sequence.mask.lastIndexOf(1);
  return { ...sequence, rewards: sequence.rewards.map((reward, t) => (t === end ? reward + left : reward)) };
}
