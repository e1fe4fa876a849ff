import { z } from 'zod';
import { loadLatestCheckpoint, saveCheckpoint } from '../../core/checkpoint.js';
import type { ModelConfig } from '../../core/model/config.js';
import { optimizerConfig } from '../../core/schedule.js';
import { supervisedLoopConfig, trainSupervised } from '../../core/sft/train-supervised.js';
import { MemoryTracker } from '../../core/trackers/memory.js';
import type { MetricsRecord } from '../../core/trackers/record.js';
import type { Tracker, Trainer, TrainSequence } from '../../core/types.js';
import { withoutTimes } from './smoke-run.js';
import { never, openTinyPolicy, tokensOf, weightValues } from './tiny-policy.js';

/** Sequences of several lengths, the second half of each learnt; no two are the same. */
export function sequencesOf(count: number, key = 'train'): TrainSequence[] {
  return Array.from({ length: count }, (_, i) => {
    const tokens = tokensOf(4 + (i % 5), key, i);
    const mask = tokens.map((_, t) => (2 * t >= tokens.length ? 1 : 0));
    return { tokens, mask, logprobs: tokens.map(() => 0), advantages: mask };
  });
}

export interface SupervisedRun {
  readonly train?: readonly TrainSequence[];
  readonly val?: readonly TrainSequence[];
  /** Keys of the loop that are not the default. */
  readonly loop?: object;
  readonly trainBatchSize?: number;
  readonly seed?: number;
  /** Where checkpoints go; without it nothing is saved. */
  readonly root?: string;
  readonly model?: Partial<ModelConfig>;
  /** Called after the metrics of a step were told. */
  readonly onLog?: (step: number, data: { readonly [name: string]: number }) => void;
  /** Stands between the loop and the trainer. */
  readonly watch?: (trainer: Trainer) => Trainer;
}

export interface SupervisedResult {
  /** What depends on the clock left out. */
  readonly metrics: readonly MetricsRecord[];
  readonly weights: readonly number[];
  readonly saved: readonly number[];
  readonly error: unknown;
}

const state = z.strictObject({ step: z.int() });

/** A run in this process with parts of its own, taken up at the newest checkpoint of `root` if there is one. */
export async function runSupervised(
  run: SupervisedRun,
  { records = new MemoryTracker(), signal = never }: { records?: MemoryTracker; signal?: AbortSignal } = {},
): Promise<SupervisedResult> {
  const { train = sequencesOf(6), val = [], trainBatchSize = 2, root, seed = 1 } = run;
  using tiny = openTinyPolicy(3, run.model);
  const trainer = run.watch?.(tiny.trainer) ?? tiny.trainer;
  const found = root === undefined ? undefined : await loadLatestCheckpoint(root, { trainer, schema: state }, signal);
  await records.resumeAt(found?.step ?? -1);
  const evaluated = (await records.readMetrics()).filter(({ data }) => 'val/loss' in data);
  const saved: number[] = [];
  const tracker: Tracker = {
    async log(step, data) {
      await records.log(step, data);
      run.onLog?.(step, data);
    },
    trajectories: async () => {},
  };
  const plan = {
    loop: supervisedLoopConfig.parse({ saveFreq: 0, ...run.loop }),
    optimizer: optimizerConfig.parse({ lr: 1e-2, lrScheduler: 'cosine', lrWarmupSteps: 1 }),
    ...{ trainBatchSize, seed },
    limit: { ppoMaxTokenLenPerGpu: 64 },
    lastStep: found?.step ?? 0,
    lastEvaluation: evaluated.at(-1)?.step ?? -1,
  };
  const save = async (step: number, signal: AbortSignal): Promise<void> => {
    saved.push(step);
    if (root !== undefined) await saveCheckpoint(root, { state: { step }, trainer, keep: 1 }, signal);
  };
  const parts = { trainer, tracker, train, val, save };
  const error = await trainSupervised(plan, parts, signal).catch((error: unknown) => error);
  const metrics = withoutTimes(await records.readMetrics());
  return { metrics, weights: await weightValues(tiny.policy), saved, error };
}

/** The values of one metric, in the order they were told. */
export function valuesOf({ metrics }: SupervisedResult, name: string): number[] {
  return metrics.flatMap(({ data }) => data[name] ?? []);
}
