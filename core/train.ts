import { z } from 'zod';
import type { AlgorithmConfig } from './algorithm-config.js';
import { EventLoopLag } from './event-loop-lag.js';
import { toTrainSequences } from './experience.js';
import { type OptimizerConfig, optimizerOptions } from './schedule.js';
import { rolloutMetrics } from './step-metrics.js';
import { Stopwatch } from './stopwatch.js';
import type { Metrics, Tracker, Trainer, TrajectoryGroup, UpdateOptions } from './types.js';

export const loopConfig = z.strictObject({
  totalTrainingSteps: z.int().min(1).default(40).describe('steps of collect, update, publish'),
  testFreq: z.int().min(0).default(10).describe('steps between evaluations; 0 = only before and after'),
  saveFreq: z.int().min(0).default(10).describe('steps between checkpoints; 0 = only at the end'),
  maxCkptToKeep: z.int().min(1).default(2).describe('checkpoints kept, the newest ones'),
});

/** What the loop is given; it knows neither environments nor rollouts. */
export interface LoopParts {
  readonly trainer: Pick<Trainer, 'update' | 'publish'>;
  readonly tracker: Tracker;
  /** Finished groups of a step, sampled from the given version of the weights. */
  collect(step: number, version: number, signal: AbortSignal): AsyncIterable<TrajectoryGroup>;
  /** Evaluates the published weights, after `step` steps; a resumed run asks again for the step it takes up. */
  evaluate(step: number, signal: AbortSignal): Promise<void>;
  /** Makes everything up to and including `step` survive a crash. */
  save(step: number, signal: AbortSignal): Promise<void>;
}

export interface LoopPlan {
  readonly loop: z.output<typeof loopConfig>;
  readonly algorithm: AlgorithmConfig;
  readonly optimizer: OptimizerConfig;
  readonly temperature: number;
  /** Tokens that an episode may sample at most. */
  readonly maxResponseTokens: number;
  /** The last step that is already in the weights; 0 for a new run. */
  readonly lastStep: number;
}

/**
 * Reinforcement learning in one screen: collect, update, publish; evaluate and save now and then.
 * An aborted signal ends it between two updates: the last finished step is saved unless it was, then the reason is thrown.
 * A resumed run repeats the evaluation of the step it starts from if that has one: the interruption may have cut it off.
 */
export async function train(plan: LoopPlan, parts: LoopParts, signal: AbortSignal): Promise<void> {
  const { totalTrainingSteps, saveFreq } = plan.loop;
  const uninterrupted = new AbortController().signal;
  let version = await parts.trainer.publish(signal);
  if (isEvaluated(plan, plan.lastStep)) await parts.evaluate(plan.lastStep, signal);
  let lastStep = plan.lastStep;
  let savedStep = plan.lastStep;
  try {
    for (let step = plan.lastStep + 1; step <= totalTrainingSteps; step++) {
      const time = new Stopwatch();
      const groups = await time.measure('gen', () => all(parts.collect(step, version, signal)));
      signal.throwIfAborted();
      const sequences = toTrainSequences(groups, plan.algorithm.advEstimator);
      const options = updateOptions(plan, step);
      using lag = new EventLoopLag();
      const update = await time.measure('update_actor', () => parts.trainer.update(sequences, options, uninterrupted));
      const lagMetrics = { 'perf/event_loop_lag_p99_ms': lag.p99() };
      version = await time.measure('update_weights', () => parts.trainer.publish(uninterrupted));
      lastStep = step;
      const metrics: Metrics = { ...rolloutMetrics(groups, sequences), ...update, 'training/global_step': step };
      const timed = { ...metrics, ...lagMetrics, ...time.metrics(metrics['perf/total_num_tokens'] ?? 0) };
      await parts.tracker.log(step, timed);
      await parts.tracker.trajectories(step, 'train', groups);
      if (isEvaluated(plan, step)) await parts.evaluate(step, signal);
      if (isDue(step, saveFreq) || step === totalTrainingSteps) {
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

/** Before the first step, after the last one, and now and then between them. */
function isEvaluated({ loop: { totalTrainingSteps, testFreq } }: LoopPlan, step: number): boolean {
  return step === 0 || step >= totalTrainingSteps || isDue(step, testFreq);
}

function isDue(step: number, frequency: number): boolean {
  return frequency > 0 && step % frequency === 0;
}

function updateOptions(
  { algorithm, optimizer, temperature, maxResponseTokens, loop }: LoopPlan,
  step: number,
): UpdateOptions {
  const { advEstimator: _, lossScaleFactor, ...options } = algorithm;
  const scale = lossScaleFactor ?? maxResponseTokens;
  return {
    ...options,
    lossScaleFactor: scale,
    ...optimizerOptions(optimizer, step, loop.totalTrainingSteps),
    temperature,
  };
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
