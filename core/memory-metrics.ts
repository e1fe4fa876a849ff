import { peakMemory, resetPeakMemory } from './tensor/memory.js';
import type { Metrics, Trainer } from './types.js';

const bytesPerGb = 2 ** 30;

/** A trainer that knows how it cut its last update. */
export type CuttingTrainer = Trainer & {
  /** Tokens of the longest forward pass. */
  readonly longestPass: number;
};

/**
 * The trainer whose updates also say how long their longest forward pass was and, by verl's names and in GiB, how much memory tensors took at most, and with what was kept for
 * later ones: on backends that count it. Kept out of the trainer itself, because it counts everything in this process.
 */
export function withMemoryMetrics(trainer: CuttingTrainer): Trainer {
  return {
    async update(sequences, options, signal) {
      resetPeakMemory();
      const metrics = await trainer.update(sequences, options, signal);
      return { ...metrics, 'perf/micro_batch_tokens': trainer.longestPass, ...memoryMetrics() };
    },
    infer: (sequences, options, signal) => trainer.infer(sequences, options, signal),
    publish: (signal) => trainer.publish(signal),
    save: (directory, signal) => trainer.save(directory, signal),
    load: (directory, signal) => trainer.load(directory, signal),
  };
}

function memoryMetrics(): Metrics {
  const peak = peakMemory();
  if (peak === undefined) return {};
  return {
    'perf/max_memory_allocated_gb': peak.allocated / bytesPerGb,
    'perf/max_memory_reserved_gb': peak.reserved / bytesPerGb,
  };
}
