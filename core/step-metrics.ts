import { sampledCount, scoredTrajectories } from './trajectories.js';
import type { Metrics, TrainSequence, Trajectory, TrajectoryGroup } from './types.js';

/** What a step's rollouts say, by verl's metric names; scores are of scored rollouts only. */
export function rolloutMetrics(groups: readonly TrajectoryGroup[], sequences: readonly TrainSequence[]): Metrics {
  const trajectories = groups.flatMap(scoredTrajectories);
  const rewards = trajectories.map(({ reward }) => reward.value);
  const advantages = sequences.flatMap(({ advantages, mask }) => advantages.filter((_, t) => mask[t] === 1));
  return {
    ...range('critic/score', rewards),
    ...range('critic/rewards', rewards),
    ...range('critic/advantages', advantages),
    ...range('response_length', trajectories.map(responseLength)),
    ...range('prompt_length', trajectories.map(promptLength)),
    ...range(
      'num_turns',
      trajectories.map(({ metrics }) => metrics.num_turns ?? 0),
    ),
    ...range(
      'tool_call_counts',
      trajectories.map(({ turns }) => turns.reduce((sum, turn) => sum + turn.toolCalls.length, 0)),
    ),
    'response_length/sampled_mean': mean(trajectories.map(sampledTokens)),
    'response_length/clip_ratio': mean(trajectories.map(({ stopReason }) => (stopReason === 'terminated' ? 0 : 1))),
    'rollout/tool_call_rate': toolCallRate(trajectories),
    'rollout/tool_errors': mean(
      trajectories.map(({ turns }) => turns.flatMap(({ toolCalls }) => toolCalls).filter(({ error }) => error).length),
    ),
    ...outcomeCounts(groups),
    'perf/total_num_tokens': sequences.reduce((sum, { tokens }) => sum + tokens.length, 0),
  };
}

/** What an evaluation says: verl's val-core and val-aux names, one data source each. */
export function evaluationMetrics(groups: readonly TrajectoryGroup[]): Metrics {
  const bySource = new Map<string, Trajectory[]>();
  for (const trajectory of groups.flatMap(scoredTrajectories)) {
    bySource.set(trajectory.dataSource, [...(bySource.get(trajectory.dataSource) ?? []), trajectory]);
  }
  const sources = [...bySource].map(([source, trajectories]) => ({
    [`val-core/${source}/reward/mean@1`]: mean(trajectories.map(({ reward }) => reward.value)),
    [`val-aux/${source}/tool_call_rate`]: toolCallRate(trajectories),
    ...Object.fromEntries(
      Object.keys(trajectories[0]?.reward.parts ?? {}).map((part) => [
        `val-aux/${source}/${part}/mean@1`,
        mean(trajectories.map(({ reward }) => reward.parts[part] ?? 0)),
      ]),
    ),
  }));
  const counts = outcomeCounts(groups);
  return Object.assign({ 'val-aux/failed': counts['rollout/failed'] ?? 0 }, ...sources);
}

/** Share of trajectories that called a tool well enough for it to run. */
export function toolCallRate(trajectories: readonly Trajectory[]): number {
  const called = trajectories.filter(({ turns }) =>
    turns.some(({ toolCalls }) => toolCalls.some(({ error }) => error === undefined)),
  );
  return trajectories.length === 0 ? 0 : called.length / trajectories.length;
}

/** Mean reward over all scored trajectories; NaN when there is none. */
export function meanReward(groups: readonly TrajectoryGroup[]): number {
  const trajectories = groups.flatMap(scoredTrajectories);
  return trajectories.length === 0 ? Number.NaN : mean(trajectories.map(({ reward }) => reward.value));
}

function outcomeCounts(groups: readonly TrajectoryGroup[]): Metrics {
  const outcomes = groups.flatMap((group) => group.outcomes);
  return {
    'rollout/scored': outcomes.filter(({ status }) => status === 'scored').length,
    'rollout/failed': outcomes.filter(({ status }) => status === 'failed').length,
    'rollout/cancelled': outcomes.filter(({ status }) => status === 'cancelled').length,
  };
}

/** Mean, greatest and least of the values under a name; nothing for none. */
export function range(name: string, values: readonly number[]): Metrics {
  if (values.length === 0) return {};
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  return { [`${name}/mean`]: mean(values), [`${name}/max`]: high, [`${name}/min`]: low };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** verl's meaning: everything after the first prompt, observations included. */
function responseLength(trajectory: Trajectory): number {
  return trajectory.sequences.reduce((sum, { tokens }) => sum + tokens.length, 0) - promptLength(trajectory);
}

function promptLength({ sequences }: Trajectory): number {
  return Math.max(0, sequences[0]?.mask.indexOf(1) ?? 0);
}

function sampledTokens({ sequences }: Trajectory): number {
  return sequences.reduce((sum, sequence) => sum + sampledCount(sequence), 0);
}
