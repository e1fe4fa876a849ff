import { afterEach, beforeAll, expect, test } from 'vitest';
import { setLogSink } from '../../../core/log.js';
import { withMemoryMetrics } from '../../../core/memory-metrics.js';
import { useBackend } from '../../../core/tensor/backend.js';
import { peakMemory, resetPeakMemory } from '../../../core/tensor/memory.js';
import type { Metrics, TrainSequence } from '../../../core/types.js';
import {
  largestDifference,
  never,
  openTinyPolicy,
  type TinyPolicy,
  tinyUpdate,
  tokensOf,
  weightValues,
} from '../../helpers/tiny-policy.js';

const bytesPerMb = 2 ** 20;
const sequences = Array.from({ length: 48 }, (_, i) => demonstration(40 + ((13 * i) % 60), i));

beforeAll(async () => {
  await useBackend('native', { threads: 1 });
});
afterEach(() => setLogSink());

test.each([
  ['plain', false],
  ['checkpointed', true],
])('%s: what is measured stays below the budget, and twice the budget holds more tokens', async (_, isCheckpointed) => {
  const model = { numHiddenLayers: 4, enableGradientCheckpointing: isCheckpointed };
  const [small, large] = [await updated(3, model), await updated(6, model)];
  expect(small.peakMb).toBeLessThan(3);
  expect(large.peakMb).toBeLessThan(6);
  expect(large.peakMb).toBeGreaterThan(3);
  expect(large.tokens / small.tokens).toBeGreaterThan(1.5);
});

test('the weights after an update are those of any fixed length of passes, within rounding', async () => {
  using automatic = openTinyPolicy();
  using fixed = openTinyPolicy();
  await update(automatic, { ppoMaxTokenLenPerGpu: 'auto', memoryBudgetGb: 3 / 1024 });
  await update(fixed, { ppoMaxTokenLenPerGpu: 300 });
  const [ours, theirs] = [await weightValues(automatic.policy), await weightValues(fixed.policy)];
  expect(largestDifference(ours, theirs)).toBeLessThan(1e-5);
});

test('what is inferred does not depend on the budget', async () => {
  using tiny = openTinyPolicy();
  const infer = (limit: Limit) =>
    tiny.trainer.infer(sequences, { columns: ['logprobs'], temperature: 1, ...limit }, never);
  const automatic = await infer({ ppoMaxTokenLenPerGpu: 'auto', memoryBudgetGb: 3 / 1024 });
  expect(automatic).toEqual(await infer({ ppoMaxTokenLenPerGpu: 100 }));
});

test('without a budget passes are as long as the machine has room for', async () => {
  using tiny = openTinyPolicy();
  await update(tiny, { ppoMaxTokenLenPerGpu: 'auto' });
  expect(tiny.trainer.longestPass).toBe(sequences.reduce((sum, { tokens }) => sum + tokens.length - 1, 0));
});

test('one sequence that is too large alone is trained on, and warned of once', async () => {
  const lines: string[] = [];
  setLogSink((line) => lines.push(line));
  using tiny = openTinyPolicy();
  for (let i = 0; i < 2; i++) await update(tiny, { ppoMaxTokenLenPerGpu: 'auto', memoryBudgetGb: 1e-4 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/warn memory_budget_exceeded tokens=\d+ takenGb=\S+ budgetGb=0\.0001/);
});

test('a backend that does not count goes by the estimate', async () => {
  await useBackend('cpu');
  using tiny = openTinyPolicy();
  const few = sequences.slice(0, 4);
  const tokensWithin = async (memoryBudgetGb: number): Promise<number> => {
    const options = { ...tinyUpdate, ppoMaxTokenLenPerGpu: 'auto', memoryBudgetGb } as const;
    await tiny.trainer.update(few, options, never);
    return tiny.trainer.longestPass;
  };
  expect(await tokensWithin(4 / 1024)).toBeLessThan(await tokensWithin(1));
  await useBackend('native', { threads: 1 });
});

test('the length of passes is told where it is a fixed one too', async () => {
  using tiny = openTinyPolicy();
  const metrics = await withMemoryMetrics(tiny.trainer).update(sequences, tinyUpdate, never);
  expect(metrics['perf/micro_batch_tokens']).toBeGreaterThan(64);
  expect(metrics['perf/micro_batch_tokens']).toBeLessThanOrEqual(128);
});

interface Limit {
  readonly ppoMaxTokenLenPerGpu: number | 'auto';
  readonly memoryBudgetGb?: number;
}

function update(tiny: TinyPolicy, limit: Limit): Promise<Metrics> {
  return tiny.trainer.update(sequences, { ...tinyUpdate, ...limit }, never);
}

/** The highest memory and the longest pass of three updates. */
async function updated(budgetMb: number, model: object): Promise<{ peakMb: number; tokens: number }> {
  using tiny = openTinyPolicy(1, model);
  resetPeakMemory();
  let tokens = 0;
  for (let i = 0; i < 3; i++) {
    const limit = { ppoMaxTokenLenPerGpu: 'auto', memoryBudgetGb: budgetMb / 1024 } as const;
    await update(tiny, limit);
    tokens = Math.max(tokens, tiny.trainer.longestPass);
  }
  return { peakMb: (peakMemory()?.allocated ?? 0) / bytesPerMb, tokens };
}

function demonstration(length: number, i: number): TrainSequence {
  const tokens = tokensOf(length, 'budget', i);
  const mask = tokens.map((_, t) => (t > 0 ? 1 : 0));
  return { tokens, mask, logprobs: mask.map(() => -1), advantages: mask };
}
