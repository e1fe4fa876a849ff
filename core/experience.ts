import type { EstimatorSequence, ScoredMember } from './advantages/advantage-estimator.js';
import type { AlgorithmConfig } from './algorithm-config.js';
import { estimateAdvantages } from './algorithms.js';
import type { TrainSequence, Trajectory, TrajectoryGroup } from './types.js';

/** Trajectories + advantages: what a step's groups become for the trainer, in the groups' order. Failed rollouts are not in it. */
export function toTrainSequences(
  groups: readonly TrajectoryGroup[],
  advEstimator: AlgorithmConfig['advEstimator'],
): readonly TrainSequence[] {
  const scored = groups.map(scoredTrajectories);
  const advantages = estimateAdvantages(
    advEstimator,
    scored.map((group) => group.map(scoredMember)),
  );
  return scored.flatMap((group, g) =>
    group.flatMap(({ sequences }, m) =>
      sequences.map(({ tokens, mask, logprobs }, s) => ({
        tokens,
        mask,
        logprobs,
        advantages: advantages[g]?.[m]?.[s]?.advantages ?? mask.map(() => 0),
      })),
    ),
  );
}

/** A trajectory as estimators see it. Turn rewards lie at the turn's last token, what is left of the reward at the last of all. */
export function scoredMember(trajectory: Trajectory): ScoredMember {
  const { reward, sequences } = trajectory;
  const rewards = sequences.map(({ tokens }) => tokens.map(() => 0));
  const last = sequences.findLastIndex((sequence) => sampledCount(sequence) > 0);
  let left = reward.value;
  for (const { sequence, action, reward: earned = 0 } of trajectory.turns) {
    const row = rewards[sequence];
    if (row === undefined || action.end === action.start) continue;
    row[action.end - 1] = earned;
    left -= earned;
  }
  const end = sequences[last]?.mask.lastIndexOf(1) ?? -1;
  const lastRow = rewards[last];
  if (lastRow !== undefined) lastRow[end] = (lastRow[end] ?? 0) + left;
  return {
    reward: reward.value,
    rewardParts: reward.parts,
    sequences: sequences.map((sequence, s) => estimatorSequence(trajectory, sequence, s, rewards[s] ?? [])),
  };
}

function estimatorSequence(
  { turns }: Trajectory,
  { tokens, mask, logprobs }: Trajectory['sequences'][number],
  index: number,
  rewards: readonly number[],
): EstimatorSequence {
  const own = turns.filter(({ sequence }) => sequence === index);
  return {
    mask,
    rewards,
    oldLogprobs: logprobs,
    turns: own.map(({ action, reward = 0 }, k) => {
      const shown = own[k - 1]?.observation ?? { start: 0, end: action.start };
      return { ...action, reward, anchor: tokens.slice(shown.start, shown.end).join(' ') };
    }),
  };
}

/** Tokens of a sequence that the policy sampled. */
export function sampledCount({ mask }: { readonly mask: readonly (0 | 1)[] }): number {
  return mask.reduce<number>((sum, isSampled) => sum + isSampled, 0);
}

/** The members of a group that have a reward. */
export function scoredTrajectories(group: TrajectoryGroup): readonly Trajectory[] {
  return group.outcomes.flatMap((outcome) => (outcome.status === 'scored' ? [outcome.trajectory] : []));
}
