import { z } from 'zod';
import { Rng, rngKey } from '../rng.js';
import { type OptimizerConfig, optimizerOptions } from '../schedule.js';
import { shuffled } from '../shuffled.js';
import { Stopwatch } from '../stopwatch.js';
import { supervisedOptions } from '../training/supervised-options.js';
import { sampledCount } from '../trajectories.js';
import type { Metrics, PassLimit, Tracker, Trainer, TrainSequence } from '../types.js';
import { heldOutLoss } from './held-out-loss.js';

export const supervisedLoopConfig = z.strictObject({
  totalEpochs: z.int().min(1).default(4).describe('passes over the training data'),
  totalTrainingSteps: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('optimizer steps; null makes as many as totalEpochs has'),
  valBeforeTrain: z.boolean().default(true).describe('evaluate before the first step'),
  testFreq: z.int().min(0).default(10).describe('steps between evaluations; 0 = only before and after'),
  saveFreq: z.int().min(0).default(50).describe('steps between checkpoints; 0 = only at the end'),
  maxCkptToKeep: z.int().min(1).default(1).describe('checkpoints kept, the newest ones'),
});

export interface SupervisedPlan {
  readonly loop: z.output<typeof supervisedLoopConfig>;
  readonly optimizer: OptimizerConfig;
  /** Sequences an optimizer step. */
  readonly trainBatchSize: number;
  readonly limit: PassLimit;
  readonly seed: number;
  /** The last step that is already in the weights, 0 for a new run. */
  readonly lastStep: number;
  /** The last step whose evaluation is told already, -1 for none. */
  readonly lastEvaluation: number;
}

export interface SupervisedParts {
  readonly trainer: Trainer;
  readonly tracker: Tracker;
  /** Learnt from; at least one. */
  readonly train: readonly TrainSequence[];
  /** Held out; none where nothing is evaluated. */
  readonly val: readonly TrainSequence[];
  /** Makes everything up to and including `step` survive a crash. */
  save(step: number, signal: AbortSignal): Promise<void>;
}

/** Optimizer steps that the plan comes to over so many sequences; an epoch's last batch is left out unless it is whole, as in verl. */
export function supervisedSteps(
  { loop, trainBatchSize }: Pick<SupervisedPlan, 'loop' | 'trainBatchSize'>,
  count: number,
): number {
  return loop.totalTrainingSteps ?? loop.totalEpochs * batchesAnEpoch(trainBatchSize, count);
}

/**
 * Supervised fine-tuning: maximum likelihood of the masked tokens, each epoch in an order of its own, by the seed alone. An aborted signal
 * ends it between two steps: the last finished step is saved unless it was, then the reason is thrown.
 */
export async function trainSupervised(
  plan: SupervisedPlan,
  parts: SupervisedParts,
  signal: AbortSignal,
): Promise<void> {
  const { loop, lastStep: firstStep } = plan;
  const totalSteps = supervisedSteps(plan, parts.train.length);
  const uninterrupted = new AbortController().signal;
  await parts.trainer.publish(signal);
  if (isEvaluated(plan, firstStep, totalSteps) && firstStep > plan.lastEvaluation) {
    await evaluate(plan, parts, firstStep, signal);
  }
  let [lastStep, savedStep] = [firstStep, firstStep];
  try {
    for (let step = firstStep + 1; step <= totalSteps; step++) {
      await parts.tracker.log(step, await supervisedStep(plan, parts, { step, totalSteps }, signal));
      lastStep = step;
      if (isEvaluated(plan, step, totalSteps)) await evaluate(plan, parts, step, signal);
      if (isDue(step, loop.saveFreq) || step === totalSteps) {
        await parts.save(step, uninterrupted);
        savedStep = step;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    if (lastStep > savedStep) await parts.save(lastStep, uninterrupted);
    throw signal.reason;
  }
}

async function supervisedStep(
  plan: SupervisedPlan,
  { trainer, train }: SupervisedParts,
  { step, totalSteps }: { readonly step: number; readonly totalSteps: number },
  signal: AbortSignal,
): Promise<Metrics> {
  signal.throwIfAborted();
  const uninterrupted = new AbortController().signal; // else a checkpoint of this moment would hold half a step
  const watch = new Stopwatch();
  const batch = batchOf(plan, train, step);
  const options = supervisedOptions(batch.length, plan.limit, optimizerOptions(plan.optimizer, step, totalSteps));
  const metrics = await watch.measure('update', () => trainer.update(batch, options, uninterrupted));
  const totalTokens = batch.reduce((sum, { tokens }) => sum + tokens.length, 0);
  return {
    'train/loss': metrics['actor/pg_loss'] ?? Number.NaN,
    'train/grad_norm': metrics['actor/grad_norm'] ?? Number.NaN,
    'train/lr': options.lr,
    'train/global_tokens': totalTokens,
    'train/loss_tokens': batch.reduce((sum, sequence) => sum + sampledCount(sequence), 0),
    'train/epoch': (step - 1) / batchesAnEpoch(plan.trainBatchSize, train.length),
    ...perf(metrics),
    ...watch.metrics(totalTokens),
  };
}

/** The batch of a step: a pure function of seed and step. */
function batchOf(
  { trainBatchSize, seed }: SupervisedPlan,
  train: readonly TrainSequence[],
  step: number,
): TrainSequence[] {
  const batches = batchesAnEpoch(trainBatchSize, train.length);
  const epoch = Math.floor((step - 1) / batches);
  const order = shuffled(train, new Rng(rngKey(seed, 'epoch', epoch)));
  const first = ((step - 1) % batches) * trainBatchSize;
  return order.slice(first, first + trainBatchSize);
}

function batchesAnEpoch(trainBatchSize: number, count: number): number {
  return Math.max(1, Math.floor(count / trainBatchSize));
}

async function evaluate(
  { limit }: SupervisedPlan,
  { trainer, tracker, val }: SupervisedParts,
  step: number,
  signal: AbortSignal,
): Promise<void> {
  if (val.length === 0) return;
  await tracker.log(step, { 'val/loss': await heldOutLoss(trainer, val, limit, signal) });
}

function perf(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => name.startsWith('perf/')));
}

function isEvaluated({ loop }: SupervisedPlan, step: number, totalSteps: number): boolean {
  return step === 0 ? loop.valBeforeTrain : isDue(step, loop.testFreq) || step === totalSteps;
}

function isDue(step: number, frequency: number): boolean {
  return frequency > 0 && step % frequency === 0;
}
