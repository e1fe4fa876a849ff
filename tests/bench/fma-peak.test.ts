import { expect, test } from 'vitest';
import { measureFmaPeak } from '../../bench/fma-peak.js';
import { machine } from '../../bench/machine.js';

const never = new AbortController().signal;

test('the peak program compiles and prints a rate a round, with the widest instructions there are', async () => {
  const { isa, gflops } = await measureFmaPeak({ threads: 1, rounds: 2, seconds: 0.02 }, never);
  expect(gflops).toHaveLength(2);
  for (const rate of gflops) expect(rate).toBeGreaterThan(0.5);
  if (process.arch === 'x64') expect(isa).toBe(machine().isa.startsWith('AVX') ? machine().isa : 'portable');
});

test('an abort ends the peak program', async () => {
  const controller = new AbortController();
  const measuring = measureFmaPeak({ threads: 1, rounds: 1, seconds: 600 }, controller.signal);
  controller.abort();
  await expect(measuring).rejects.toThrow(/abort/);
});
