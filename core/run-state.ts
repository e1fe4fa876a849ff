import { z } from 'zod';
import { loopStateSchema } from './loop-state.js';

/** What a run of reinforcement learning needs besides weights and optimizer to go on as if it had not stopped. */
export const runState = z.strictObject({
  /** The last step whose update is in the weights. */
  step: z.int().min(0),
  /** Index of the next training task: the data position. */
  nextTask: z.int().min(0),
  /** All randomness is keyed by seed, step and task, so this is the random state. */
  seed: z.int(),
  /** Mean reward of the first evaluation, for the summary of a resumed run. */
  initialReward: z.number().nullable(),
  loop: loopStateSchema,
});

export type RunState = z.output<typeof runState>;
