import { type AlgorithmConfig, estimateAdvantages } from './algorithms.js';
import type { TrainSequence, Trajectory, TrajectoryGroup } from './types.js';

/** Trajectories + advantages: what a step's groups become for the trainer, in the groups' order. Failed rollouts are not in it. */
export function toTrainSequences(
  groups: readonly TrajectoryGroup[],
  advEstimator: AlgorithmConfig['advEstimator'],
): readonly TrainSequence[] {
  const scored = groups.map(scoredTrajectories);
  const members = scored.map((group) =>
    group.map(({ reward, sequences }) => ({ reward: reward.value, masks: sequences.map(({ mask }) => mask) })),
  );
  const advantages = estimateAdvantages(advEstimator, members);
  return scored.flatMap((group, g) =>
    group.flatMap(({ sequences }, m) =>
      sequences.map(({ tokens, mask, logprobs }, s) => ({
        tokens,
        mask,
        logprobs,
        advantages: advantages[g]?.[m]?.[s] ?? mask.map(() => 0),
      })),
    ),
  );
}

/** Tokens of a sequence that the policy sampled. */
export function sampledCount({ mask }: { readonly mask: readonly (0 | 1)[] }): number {
  return mask.reduce<number>((sum, isSampled) => sum + isSampled, 0);
}

/** The members of a group that have a reward. */
export function scoredTrajectories(group: TrajectoryGroup): readonly Trajectory[] {
  return group.outcomes.flatMap((outcome) => (outcome.status === 'scored' ? [outcome.trajectory] : []));
}
