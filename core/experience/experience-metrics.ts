import { mean } from '../advantages/group-statistics.js';
import type { AlgorithmConfig } from '../algorithm-config.js';
import { range } from '../step-metrics.js';
import type { Metrics } from '../types.js';
import type { EstimatedRow } from './estimate.js';
import type { ExperienceRow } from './rows.js';

type OverlongConfig = Pick<AlgorithmConfig, 'overlongBuffer'>;

/** What the trainer is to learn, by verl's names: rewards after penalties, advantages, returns and the critic's values. */
export function experienceMetrics(rows: readonly EstimatedRow[]): Metrics {
  const rewards = new Map<unknown, number>();
  for (const { trajectory, rewards: row } of rows) {
    rewards.set(trajectory, (rewards.get(trajectory) ?? 0) + row.reduce((a, b) => a + b, 0));
  }
  const sampled = (pick: (row: EstimatedRow) => readonly number[] | undefined): number[] =>
    rows.flatMap((row) => (pick(row) ?? []).filter((_, t) => row.mask[t] === 1));
  const returns = sampled((row) => row.returns);
  const values = sampled((row) => row.values);
  return {
    ...range('critic/rewards', [...rewards.values()]),
    ...range(
      'critic/advantages',
      sampled((row) => row.advantages),
    ),
    ...range('critic/returns', returns),
    ...(values.length > 0 && {
      ...range('critic/values', values),
      'critic/vf_explained_var': explained(returns, values),
    }),
  };
}

/** How much rewards lost because responses were long, and how often; where the config asks. */
export function overlongMetrics(rows: readonly ExperienceRow[], { overlongBuffer }: OverlongConfig): Metrics {
  if (!overlongBuffer.enable || !overlongBuffer.log || rows.length === 0) return {};
  const rewards = [...new Map(rows.map(({ trajectory, overlong }) => [trajectory, overlong])).values()];
  return {
    'reward/overlong_reward/mean': mean(rewards),
    'reward/overlong/mean': mean(rewards.map((reward) => (reward < 0 ? 1 : 0))),
  };
}

/** 1 - Var(returns - values) / (Var(returns) + 1e-5), as verl has it. */
function explained(returns: readonly number[], values: readonly number[]): number {
  return 1 - variance(returns.map((value, i) => value - (values[i] ?? 0))) / (variance(returns) + 1e-5);
}

/** With Bessel's correction; 0 for fewer than two. */
function variance(values: readonly number[]): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / Math.max(1, values.length - 1);
}
