import { z } from 'zod';
import type { LoopState } from './loop-state.js';
import { type StepParts, type StepPlan, trainingStep } from './training-step.js';
import type { Tracker } from './types.js';

export const loopConfig = z.strictObject({
  totalTrainingSteps: z.int().min(1).default(40).describe('steps of collect, update, publish'),
  criticWarmup: z.int().min(0).default(0).describe('steps at the start that train the critic alone'),
  valBeforeTrain: z.boolean().default(true).describe('evaluate before the first step'),
  testFreq: z.int().min(0).default(10).describe('steps between evaluations; 0 = only before and after'),
  saveFreq: z.int().min(0).default(10).describe('steps between checkpoints; 0 = only at the end'),
  maxCkptToKeep: z.int().min(1).default(2).describe('checkpoints kept, the newest ones'),
});

/** What the loop is given; it knows neither environments nor rollouts. */
export interface LoopParts extends StepParts {
  readonly tracker: Tracker;
  /** Evaluates the published weights, after `step` steps; a resumed run asks again for the step it takes up. */
  evaluate(step: number, signal: AbortSignal): Promise<void>;
  /** Makes everything up to and including `step` survive a crash. */
  save(step: number, state: LoopState, signal: AbortSignal): Promise<void>;
  /** Tells a person what the numbers mean. */
  remark(sentence: string): void;
}

export interface LoopPlan extends StepPlan {
  readonly loop: z.output<typeof loopConfig>;
  /** The last step that is already in the weights, 0 for a new run, and the state after it. */
  readonly lastStep: number;
  readonly state: LoopState;
}

/**
 * Reinforcement learning in one screen: steps; evaluate and save now and then.
 * An aborted signal ends it between two updates: the last finished step is saved unless it was, then the reason is thrown.
 * A resumed run repeats the evaluation of the step it starts from if that has one: the interruption may have cut it off.
 */
export async function train(plan: LoopPlan, parts: LoopParts, signal: AbortSignal): Promise<void> {
  const { totalTrainingSteps, saveFreq } = plan.loop;
  const uninterrupted = new AbortController().signal;
  let version = await parts.trainer.publish(signal);
  if (isEvaluated(plan, plan.lastStep)) await parts.evaluate(plan.lastStep, signal);
  let { lastStep, state } = plan;
  let savedStep = lastStep;
  try {
    for (let step = plan.lastStep + 1; step <= totalTrainingSteps; step++) {
      const result = await trainingStep(plan, parts, { step, version, state }, signal);
      ({ version, state } = result);
      lastStep = step;
      await parts.tracker.log(step, result.metrics);
      await parts.tracker.trajectories(step, 'train', result.groups);
      for (const sentence of result.remarks) parts.remark(sentence);
      if (isEvaluated(plan, step)) await parts.evaluate(step, signal);
      if (isDue(step, saveFreq) || step === totalTrainingSteps) {
        await parts.save(step, state, uninterrupted);
        savedStep = step;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    if (lastStep > savedStep) await parts.save(lastStep, state, uninterrupted);
    throw signal.reason;
  }
}

/** Before the first step unless told not to, after the last one, and now and then between them. */
function isEvaluated({ loop: { totalTrainingSteps, testFreq, valBeforeTrain } }: LoopPlan, step: number): boolean {
  return (step === 0 && valBeforeTrain) || step >= totalTrainingSteps || (step > 0 && isDue(step, testFreq));
}

function isDue(step: number, frequency: number): boolean {
  return frequency > 0 && step % frequency === 0;
}
