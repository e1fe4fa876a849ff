import type { EstimatorSequence } from '../advantages/advantage-estimator.js';
import type { AlgorithmConfig } from '../algorithm-config.js';
import { overlongReward } from '../rewards/overlong.js';
import { sampledCount } from '../trajectories.js';
import type { TokenSequence, Trajectory, TrajectoryGroup } from '../types.js';

/** One sequence of a scored trajectory on its way to the trainer. Arrays have one entry a token, read where the mask is 1. */
export interface ExperienceRow {
  /** Index of the group among the step's, and of the outcome in its group. */
  readonly group: number;
  readonly member: number;
  readonly trajectory: Trajectory;
  readonly sequence: TokenSequence;
  /** What is trained of the tokens that were sampled. */
  readonly mask: readonly (0 | 1)[];
  readonly rewards: readonly number[];
  /** What the trajectory's reward lost because it was long. */
  readonly overlong: number;
  /** The engine's, over what it drew from. */
  readonly rolloutLogprobs: readonly number[];
  readonly oldLogprobs: readonly number[];
  readonly refLogprobs?: readonly number[];
  readonly values?: readonly number[];
  readonly sumPiSquared?: readonly number[];
  readonly processRewards?: readonly number[];
  readonly rolloutIsWeights?: readonly number[];
}

/** The scored sequences of a step in the groups' order, shaped and masked as the config says. */
export function rowsOf(
  groups: readonly TrajectoryGroup[],
  algorithm: Pick<AlgorithmConfig, 'overlongBuffer' | 'maskTruncated'>,
  maxResponseTokens: number,
): ExperienceRow[] {
  return groups.flatMap(({ outcomes }, group) =>
    outcomes.flatMap((outcome, member) => {
      if (outcome.status !== 'scored') return [];
      const { trajectory } = outcome;
      const isMasked = algorithm.maskTruncated && trajectory.stopReason !== 'terminated';
      const length = trajectory.sequences.reduce((sum, sequence) => sum + sampledCount(sequence), 0);
      const overlong = overlongReward(algorithm.overlongBuffer, length, maxResponseTokens);
      const rewards = tokenRewards(trajectory, trajectory.reward.value + overlong);
      return trajectory.sequences.map((sequence, s): ExperienceRow => {
        const { mask, logprobs, samplingLogprobs = logprobs } = sequence;
        return {
          group,
          member,
          trajectory,
          sequence,
          mask: isMasked ? mask.map(() => 0) : mask,
          rewards: rewards[s] ?? [],
          overlong,
          rolloutLogprobs: samplingLogprobs,
          oldLogprobs: logprobs,
        };
      });
    }),
  );
}

/**
 * The reward of each token of each sequence: what a turn earned at its last sampled token, the rest of `value` at the last
 * sampled token of all.
 */
function tokenRewards({ sequences, turns }: Trajectory, value: number): number[][] {
  const rewards = sequences.map(({ tokens }) => tokens.map(() => 0));
  let left = value;
  for (const { sequence, action, reward = 0 } of turns) {
    const row = rewards[sequence];
    if (row === undefined || action.end === action.start) continue;
    row[action.end - 1] = reward;
    left -= reward;
  }
  const last = sequences.findLastIndex((sequence) => sampledCount(sequence) > 0);
  const [row, end] = [rewards[last], sequences[last]?.mask.lastIndexOf(1) ?? -1];
  if (row !== undefined) row[end] = (row[end] ?? 0) + left;
  return rewards;
}

/** A row as estimators see it. */
export function estimatorSequence(row: ExperienceRow): EstimatorSequence {
  const { mask, rewards, oldLogprobs, values, sumPiSquared, processRewards, rolloutIsWeights } = row;
  const { turns, sequences } = row.trajectory;
  const { tokens } = row.sequence;
  const own = turns.filter(({ sequence }) => sequences[sequence] === row.sequence);
  return {
    mask,
    rewards,
    oldLogprobs,
    ...(values && { values }),
    ...(sumPiSquared && { sumPiSquared }),
    ...(processRewards && { processRewards }),
    ...(rolloutIsWeights && { rolloutIsWeights }),
    turns: own.map(({ action, reward = 0 }, k) => {
      const shown = own[k - 1]?.observation ?? { start: 0, end: action.start };
      return { ...action, reward, anchor: tokens.slice(shown.start, shown.end).join(' ') };
    }),
  };
}
