import type { Trajectory, TrajectoryGroup } from './types.js';

/** Tokens of a sequence that the policy sampled. */
export function sampledCount({ mask }: { readonly mask: readonly (0 | 1)[] }): number {
  return mask.reduce<number>((sum, isSampled) => sum + isSampled, 0);
}

/** The members of a group that have a reward. */
export function scoredTrajectories(group: TrajectoryGroup): readonly Trajectory[] {
  return group.outcomes.flatMap((outcome) => (outcome.status === 'scored' ? [outcome.trajectory] : []));
}
