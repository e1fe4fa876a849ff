import { z } from 'zod';
import { mean, sampleDeviation } from '../advantages/group-statistics.js';
import { ConfigError } from '../errors.js';
import type { Reward, TrajectoryGroup } from '../types.js';

const wholeReward = ['score', 'seq_reward', 'seq_final_reward'];

export const groupMetric = z
  .string()
  .min(1)
  .default('seq_reward')
  .describe('score, seq_reward, seq_final_reward: the reward; else the part of it with this name, such as acc');

/** The metric of each scored member. Throws ConfigError when it is neither the reward nor one of its parts. */
export function metricsOf({ outcomes }: TrajectoryGroup, metric: string): number[] {
  return outcomes.flatMap((outcome) =>
    outcome.status === 'scored' ? [metricOf(outcome.trajectory.reward, metric)] : [],
  );
}

/** Standard deviation of each group's metric with Bessel's correction; 0 for a group of one and of none. */
export function groupDeviations(groups: readonly TrajectoryGroup[], metric: string): number[] {
  return groups.map((group) => {
    const values = metricsOf(group, metric);
    return values.length < 2 ? 0 : sampleDeviation(values);
  });
}

/** Mean of the metric over the scored members, or undefined where there are none. */
export function groupMean(group: TrajectoryGroup, metric: string): number | undefined {
  const values = metricsOf(group, metric);
  return values.length === 0 ? undefined : mean(values);
}

function metricOf({ value, parts }: Reward, metric: string): number {
  const part = parts[metric];
  if (part !== undefined) return part;
  if (wholeReward.includes(metric)) return value;
  const known = [...wholeReward, ...Object.keys(parts)].join(', ');
  throw new ConfigError(`filterGroups.metric is ${metric}, which no reward has; choose from ${known}`);
}
