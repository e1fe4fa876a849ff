import { z } from 'zod';
import { Rng, rngKey } from './rng.js';
import { optimizerConfig, optimizerOptions } from './schedule.js';
import { supervisedOptions } from './training/supervised-options.js';
import type { Trainer, TrainSequence } from './types.js';

export const warmStartConfig = z.strictObject({
  steps: z
    .int()
    .min(0)
    .default(0)
    .describe('optimizer steps of supervised training before reinforcement learning; 0 = none'),
  demonstrations: z.int().min(1).default(2000).describe("episodes of the environment's scripted teacher to learn from"),
  batchSize: z.int().min(1).default(32).describe('demonstrations an optimizer step'),
  maxTokenLenPerGpu: z.int().min(1).default(16_384).describe('tokens a forward pass, of whole demonstrations'),
  optimizer: optimizerConfig.prefault({ lr: 1e-3 }).describe('learning rate and its course'),
});

export type WarmStartConfig = z.output<typeof warmStartConfig>;

/**
 * Supervised training on demonstrations, the loss on assistant tokens only. Batches are drawn with replacement,
 * by seed and step alone. `onStep` is told the loss after each step.
 */
export async function warmStart(
  demonstrations: readonly TrainSequence[],
  {
    config,
    trainer,
    seed,
    onStep,
  }: { config: WarmStartConfig; trainer: Trainer; seed: number; onStep: (step: number, loss: number) => void },
  signal: AbortSignal,
): Promise<void> {
  for (let step = 1; step <= config.steps; step++) {
    const rng = new Rng(rngKey(seed, 'warm-start', step));
    const batch = Array.from({ length: config.batchSize }, () => demonstrations[rng.int(demonstrations.length)]);
    const metrics = await trainer.update(
      batch.filter((sequence) => sequence !== undefined),
      supervisedOptions(
        config.batchSize,
        { ppoMaxTokenLenPerGpu: config.maxTokenLenPerGpu },
        optimizerOptions(config.optimizer, step, config.steps),
      ),
      signal,
    );
    onStep(step, metrics['actor/pg_loss'] ?? Number.NaN);
  }
}
