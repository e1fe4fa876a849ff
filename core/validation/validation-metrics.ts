import { mean } from '../advantages/group-statistics.js';
import { toolCallRate } from '../step-metrics.js';
import { scoredTrajectories } from '../trajectories.js';
import type { Metrics, Trajectory, TrajectoryGroup } from '../types.js';
import { Bootstrap } from './bootstrap.js';
import { passMetrics, promptMetrics } from './prompt-metrics.js';

/** One data source's prompts, each with its scored samples, at least one. */
interface Source {
  readonly name: string;
  /** Samples a prompt was given: what metrics are named by. */
  readonly n: number;
  readonly prompts: readonly (readonly Trajectory[])[];
}

/**
 * What an evaluation says, by verl's names; one group is one prompt with N samples. For each data source and each variable (`reward`
 * and every part of it): mean@N and, for N > 1, std@N, best@k and worst@k, and maj@k where the judged answers are known, k = 2, 4, 8 … N;
 * each of a prompt's own samples, then averaged over prompts. The core variable is `acc` where it exists, else `reward`; its mean, best
 * and maj at N are val-core, all else is val-aux. Beyond verl: unbiased pass@k of the core variable for k = 1, 2, 4 … N.
 *
 * N is the largest number of samples that a prompt of the source was given. Failed rollouts have no value: a prompt's statistics
 * are over the samples it has, under the names of N, and a prompt without any is left out; one with fewer than k is left out of
 * pass@k. A sample that lacks a part, or has a part that is no finite number, is not in that part's statistics. For maj@k a sample
 * without an answer votes for having none. Deviations divide by the number of samples. Nothing scored: only val-aux/failed.
 */
export function validationMetrics(groups: readonly TrajectoryGroup[]): Metrics {
  const bootstrap = new Bootstrap();
  const outcomes = groups.flatMap((group) => group.outcomes);
  return Object.assign(
    { 'val-aux/failed': outcomes.filter(({ status }) => status === 'failed').length },
    turnMetrics(groups.flatMap(scoredTrajectories)),
    ...sourcesOf(groups).map((source) => sourceMetrics(source, bootstrap)),
  );
}

function turnMetrics(trajectories: readonly Trajectory[]): Metrics {
  if (trajectories.length === 0) return {};
  const turns = trajectories.map(({ metrics }) => metrics.num_turns ?? 0);
  return {
    'val-aux/num_turns/min': turns.reduce((a, b) => Math.min(a, b)),
    'val-aux/num_turns/max': turns.reduce((a, b) => Math.max(a, b)),
    'val-aux/num_turns/mean': mean(turns),
  };
}

function sourcesOf(groups: readonly TrajectoryGroup[]): readonly Source[] {
  const names = [...new Set(groups.map(({ task }) => task.dataSource))];
  return names.flatMap((name) => {
    const own = groups.filter(({ task }) => task.dataSource === name);
    const prompts = own.map(scoredTrajectories).filter((samples) => samples.length > 0);
    const n = own.reduce((most, { outcomes }) => Math.max(most, outcomes.length), 0);
    return prompts.length === 0 ? [] : [{ name, n, prompts }];
  });
}

function sourceMetrics({ name, n, prompts }: Source, bootstrap: Bootstrap): Metrics {
  const rewards = prompts.flat().map(({ reward }) => reward);
  const variables = [...new Set(['reward', ...rewards.flatMap(({ parts }) => Object.keys(parts))])];
  const core = variables.includes('acc') ? 'acc' : 'reward';
  const hasAnswers = rewards.some(({ pred }) => pred !== undefined);
  const named = variables.flatMap((variable) => {
    const all = prompts.map((samples) => promptMetrics({ samples, variable, n, hasAnswers }, bootstrap) ?? {});
    return Object.entries(averages(all)).map(([metric, value]) => {
      const isCore = variable === core && isHeadline(metric, n);
      return [`${isCore ? 'val-core' : 'val-aux'}/${name}/${variable}/${metric}`, value] as const;
    });
  });
  const passes = averages(prompts.map((samples) => passMetrics({ samples, variable: core, n })));
  return {
    ...Object.fromEntries(named),
    ...Object.fromEntries(
      Object.entries(passes).map(([metric, value]) => [`val-aux/${name}/${core}/${metric}`, value]),
    ),
    [`val-aux/${name}/tool_call_rate`]: toolCallRate(prompts.flat()),
  };
}

/** Mean, best and maj at n: mean@8, best@8/mean, best@8/std. */
function isHeadline(metric: string, n: number): boolean {
  const [kind, size] = metric.split(/[@/]/);
  return (kind === 'mean' || kind === 'best' || kind === 'maj') && size === String(n);
}

/** Means by name over those that have the name. */
function averages(all: readonly Metrics[]): Metrics {
  const names = [...new Set(all.flatMap((metrics) => Object.keys(metrics)))];
  return Object.fromEntries(
    names.map((name) => [name, mean(all.flatMap((metrics) => (metrics[name] === undefined ? [] : [metrics[name]])))]),
  );
}
