import { assert } from '../errors.js';
import { log } from '../log.js';
import { scoredTrajectories } from '../trajectories.js';
import type { Outcome, TrajectoryGroup } from '../types.js';
import { type Judgement, notJudged, type RewardModel } from './reward-model.js';

/** Name of the reward's part that holds the score. */
export const rewardModelPart = 'rm_score';

/** The groups with the model's scores in their rewards; what could not be judged has failed: it never has a reward. */
export async function scoreGroups(
  groups: readonly TrajectoryGroup[],
  model: RewardModel,
  signal: AbortSignal,
): Promise<TrajectoryGroup[]> {
  const episodes = groups.flatMap((group) =>
    scoredTrajectories(group).map((trajectory) => ({ task: group.task, trajectory })),
  );
  if (episodes.length === 0) return [...groups];
  const judgements = await model.judge(episodes, signal);
  const failures = judgements.filter((judgement) => typeof judgement !== 'number');
  const [first] = failures;
  if (first !== undefined) {
    log('warn', 'reward_model_failed', { failed: failures.length, of: episodes.length, error: first.message });
  }
  return addScores(groups, judgements, model.weight);
}

/**
 * Adds `weight` times its score to the reward of each scored episode, and the score as the part `rm_score`; an episode without a
 * score, or with one that is not finite, becomes a failure.
 * @param judgements one a scored episode, in the order of groups and outcomes
 */
export function addScores(
  groups: readonly TrajectoryGroup[],
  judgements: readonly Judgement[],
  weight: number,
): TrajectoryGroup[] {
  const count = groups.flatMap(scoredTrajectories).length;
  assert(judgements.length === count, `${judgements.length} judgements for ${count} episodes`);
  let next = 0;
  return groups.map((group) => ({
    ...group,
    outcomes: group.outcomes.map((outcome) =>
      outcome.status === 'scored' ? judged(outcome, judgements[next++] ?? Number.NaN, weight) : outcome,
    ),
  }));
}

function judged({ trajectory }: Extract<Outcome, { status: 'scored' }>, judgement: Judgement, weight: number): Outcome {
  if (typeof judgement !== 'number') return { status: 'failed', error: judgement };
  if (!Number.isFinite(judgement)) return { status: 'failed', error: notJudged(`the score is ${judgement}`) };
  const { value, parts } = trajectory.reward;
  const reward = {
    ...trajectory.reward,
    value: value + weight * judgement,
    parts: { ...parts, [rewardModelPart]: judgement },
  };
  return { status: 'scored', trajectory: { ...trajectory, reward } };
}
