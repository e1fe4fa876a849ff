import { mean } from '../advantages/group-statistics.js';
import { populationDeviation } from '../population-deviation.js';
import type { Metrics, Trajectory } from '../types.js';
import type { Bootstrap } from './bootstrap.js';
import { passAtK } from './pass-at-k.js';

/** A sample is a success, for pass@k, from this value of the variable on. */
const SUCCESS = 1;

/** One variable of one prompt's scored samples. */
export interface PromptVariable {
  readonly samples: readonly Trajectory[];
  readonly variable: string;
  /** Samples the prompt was given; what metrics are named by. */
  readonly n: number;
  /** Whether the data source tells the answers that were judged. */
  readonly hasAnswers: boolean;
}

/** mean@n and, for n > 1, std@n and best@k, worst@k, maj@k for k = 2, 4, 8 … n. Undefined where no sample has the variable. */
export function promptMetrics(
  { samples, variable, n, hasAnswers }: PromptVariable,
  bootstrap: Bootstrap,
): Metrics | undefined {
  const having = samples.filter((sample) => hasVariable(sample, variable));
  if (having.length === 0) return undefined;
  const values = having.map((sample) => variableOf(sample, variable));
  const answers = hasAnswers ? having.map(({ reward }) => reward.pred) : undefined;
  const sizes = sampleSizes(n).filter((k) => k > 1);
  return Object.assign(
    { [`mean@${n}`]: mean(values) },
    n > 1 ? { [`std@${n}`]: populationDeviation(values) } : {},
    ...sizes.map((k) => resampled({ values, answers, k }, bootstrap)),
  );
}

interface Resampling {
  readonly values: readonly number[];
  readonly answers: readonly (string | undefined)[] | undefined;
  readonly k: number;
}

function resampled({ values, answers, k }: Resampling, bootstrap: Bootstrap): Metrics {
  const summaries = {
    best: bootstrap.best(values, k),
    worst: bootstrap.worst(values, k),
    ...(answers === undefined ? {} : { maj: bootstrap.majority(values, answers, k) }),
  };
  const named = Object.entries(summaries).flatMap(([kind, summary]) => [
    [`${kind}@${k}/mean`, summary.mean] as const,
    [`${kind}@${k}/std`, summary.std] as const,
  ]);
  return Object.fromEntries(named);
}

/** pass@k for k = 1, 2, 4, 8 … n as far as the prompt has so many samples with the variable; a value of 1 or more is a success. */
export function passMetrics({ samples, variable, n }: Omit<PromptVariable, 'hasAnswers'>): Metrics {
  const having = samples.filter((sample) => hasVariable(sample, variable));
  const successes = having.filter((sample) => variableOf(sample, variable) >= SUCCESS).length;
  const sizes = sampleSizes(n).filter((k) => k <= having.length);
  return Object.fromEntries(sizes.map((k) => [`pass@${k}`, passAtK(having.length, successes, k)]));
}

/** 1, 2, 4, 8 … and n itself. */
function sampleSizes(n: number): readonly number[] {
  const sizes: number[] = [];
  for (let k = 1; k < n; k *= 2) sizes.push(k);
  return [...sizes, n];
}

function hasVariable(sample: Trajectory, variable: string): boolean {
  return Number.isFinite(variableOf(sample, variable));
}

/** A part that is named `reward` too is not looked at. NaN where the sample lacks the part. */
function variableOf({ reward }: Trajectory, variable: string): number {
  return variable === 'reward' ? reward.value : (reward.parts[variable] ?? Number.NaN);
}
