import { z } from 'zod';
import type { UpdateOptions } from './types.js';

export const optimizerConfig = z.strictObject({
  lr: z.number().positive().max(1).default(3e-4).describe('peak learning rate of AdamW'),
  lrScheduler: z
    .enum(['constant', 'linear', 'cosine'])
    .default('constant')
    .describe('course of the rate after warm-up'),
  lrWarmupSteps: z.int().min(0).default(0).describe('steps of linear growth at the start'),
  lrMinRatio: z.number().min(0).max(1).default(0).describe('share of lr left at the last step (linear, cosine)'),
  weightDecay: z.number().min(0).max(1).default(0.01).describe('decoupled weight decay of matrices'),
  betas: z
    .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
    .default([0.9, 0.999])
    .describe("AdamW's decay of the first and of the second moment"),
  gradClip: z.number().positive().default(1).describe('largest global gradient norm'),
});

export type OptimizerConfig = z.output<typeof optimizerConfig>;

/** What an update is told of the optimizer at step `step` (1-based) of `totalSteps`. */
export function optimizerOptions(
  config: OptimizerConfig,
  step: number,
  totalSteps: number,
): Pick<UpdateOptions, 'lr' | 'weightDecay' | 'betas' | 'gradClip'> {
  const { weightDecay, betas, gradClip } = config;
  return { lr: learningRate(config, step, totalSteps), weightDecay, betas, gradClip };
}

/** Learning rate of step `step` (1-based) of `totalSteps`. */
export function learningRate(config: OptimizerConfig, step: number, totalSteps: number): number {
  const { lr, lrScheduler, lrWarmupSteps, lrMinRatio } = config;
  if (step <= lrWarmupSteps) return (lr * step) / (lrWarmupSteps + 1);
  const progress = Math.min(1, (step - lrWarmupSteps - 1) / Math.max(1, totalSteps - lrWarmupSteps - 1));
  switch (lrScheduler) {
    case 'constant':
      return lr;
    case 'linear':
      return lr * (1 - progress * (1 - lrMinRatio));
    case 'cosine':
      return lr * (lrMinRatio + (1 - lrMinRatio) * 0.5 * (1 + Math.cos(Math.PI * progress)));
    default:
      return lrScheduler satisfies never;
  }
}
