import { beforeAll, expect, test } from 'vitest';
import { withMemoryMetrics } from '../../core/memory-metrics.js';
import { useBackend } from '../../core/tensor/backend.js';
import type { Metrics, TrainSequence } from '../../core/types.js';
import { never, openTinyPolicy, tinyUpdate, tokensOf } from '../helpers/tiny-policy.js';

const peak = 'perf/max_memory_allocated_gb';
const kept = 'perf/max_memory_reserved_gb';

beforeAll(async () => {
  await useBackend('native', { threads: 1 });
});

test('the peak of an update is bounded by the token budget, whatever the number of sequences', async () => {
  const [few, many] = [await metricsOf(4), await metricsOf(40)];
  expect(few[peak]).toBeGreaterThan(0);
  expect(few[kept]).toBeGreaterThanOrEqual(few[peak]!);
  expect(many[peak]! / few[peak]!).toBeLessThan(1.2);
  expect(many[kept]! / many[peak]!).toBeLessThan(1.6);
});

test('gradient checkpointing lowers the peak', async () => {
  const layers = { numHiddenLayers: 8 };
  const [plain, checkpointed] = [
    await metricsOf(2, layers),
    await metricsOf(2, { ...layers, enableGradientCheckpointing: true }),
  ];
  expect(checkpointed[peak]! / plain[peak]!).toBeLessThan(0.8);
});

test('a backend that does not count says nothing', async () => {
  await useBackend('cpu');
  expect(await metricsOf(1)).not.toHaveProperty([peak]);
  await useBackend('native', { threads: 1 });
});

/** Of the second update, which finds everything that is kept. */
async function metricsOf(sequences: number, model = {}): Promise<Metrics> {
  using tiny = openTinyPolicy(1, model);
  const trainer = withMemoryMetrics(tiny.trainer);
  const batch = Array.from({ length: sequences }, (_, i) => demonstration(i));
  const options = { ...tinyUpdate, ppoMaxTokenLenPerGpu: 256 };
  await trainer.update(batch, options, never);
  return await trainer.update(batch, options, never);
}

function demonstration(i: number): TrainSequence {
  const tokens = tokensOf(100, 'memory', i);
  const mask = tokens.map((_, t) => (t > 0 ? 1 : 0));
  return { tokens, mask, logprobs: mask.map(() => 0), advantages: mask };
}
