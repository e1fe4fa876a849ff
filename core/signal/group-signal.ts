import { mean } from '../advantages/group-statistics.js';
import { populationDeviation } from '../population-deviation.js';
import { scoredTrajectories } from '../trajectories.js';
import type { StopReason, TrainSequence, Trajectory, TrajectoryGroup } from '../types.js';

/** Advantages up to this are rounding. */
const NEGLIGIBLE = 1e-8;

/** What a group does to the policy: it teaches, or why it cannot. In the order in which causes are looked for. */
export const groupReasons = ['stale', 'filtered', 'learns', 'failed', 'truncated', 'all_equal'] as const;
export type GroupReason = (typeof groupReasons)[number];

/** A budget that ended an episode. */
export type Truncation = Exclude<StopReason, 'terminated'>;

/** A group of a step, also one that was thrown away, as the loop sees it. */
export interface GroupView {
  readonly group: TrajectoryGroup;
  /** What became of the group for the trainer; none where it was thrown away. */
  readonly sequences: readonly Pick<TrainSequence, 'advantages' | 'mask'>[];
  /** Thrown away because its rewards, or what else groups are filtered by, do not differ. */
  readonly isFiltered?: boolean;
  /** Thrown away because its weights are too old. */
  readonly isStale?: boolean;
}

/** Why a group's policy gradient is what it is. */
export interface GroupSignal {
  readonly taskId: string;
  readonly reason: GroupReason;
  /** Of the scored members; NaN where there is none. The deviation divides by their number. */
  readonly rewardMean: number;
  readonly rewardStd: number;
  readonly scored: number;
  readonly size: number;
  /** The budget that ended most of its truncated members. */
  readonly truncatedBy?: Truncation;
  /** The code with which most of its failed members failed. */
  readonly failedWith?: string;
}

/**
 * Why a group has no policy gradient, or `learns`: some sampled token has an advantage. The causes, first match: stale, filtered (both as
 * told); failed (nothing scored, or a single member because the others failed); truncated (a budget ended all scored members, or masks
 * left no sampled token); else all_equal: the estimator saw no difference. Gradients of a KL or entropy term are not looked at.
 */
export function groupSignal(view: GroupView): GroupSignal {
  const { task, outcomes } = view.group;
  const trajectories = scoredTrajectories(view.group);
  const rewards = trajectories.map(({ reward }) => reward.value);
  const truncations = trajectories.map(({ stopReason }) => stopReason).filter((reason) => reason !== 'terminated');
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'failed' ? [outcome.error.code] : []));
  const [truncatedBy, failedWith] = [mostFrequent(truncations), mostFrequent(failures)];
  return {
    taskId: task.id,
    reason: reasonOf(view, trajectories),
    rewardMean: rewards.length === 0 ? Number.NaN : mean(rewards),
    rewardStd: rewards.length === 0 ? Number.NaN : populationDeviation(rewards),
    scored: rewards.length,
    size: outcomes.length,
    ...(truncatedBy === undefined ? {} : { truncatedBy }),
    ...(failedWith === undefined ? {} : { failedWith }),
  };
}

function reasonOf(view: GroupView, trajectories: readonly Trajectory[]): GroupReason {
  if (view.isStale) return 'stale';
  if (view.isFiltered) return 'filtered';
  if (view.sequences.some(hasAdvantage)) return 'learns';
  const isAlone = trajectories.length === 1 && view.group.outcomes.length > 1;
  if (trajectories.length === 0 || isAlone) return 'failed';
  const isCut = trajectories.every(({ stopReason }) => stopReason !== 'terminated');
  const isMasked = view.sequences.every(({ mask }) => !mask.includes(1));
  return isCut || isMasked ? 'truncated' : 'all_equal';
}

function hasAdvantage({ advantages, mask }: Pick<TrainSequence, 'advantages' | 'mask'>): boolean {
  return mask.some((isSampled, t) => isSampled === 1 && !(Math.abs(advantages[t] ?? 0) <= NEGLIGIBLE));
}

/** Of equally frequent ones the first; undefined for none. */
export function mostFrequent<Item>(items: readonly Item[]): Item | undefined {
  const counts = new Map<Item, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0];
}
