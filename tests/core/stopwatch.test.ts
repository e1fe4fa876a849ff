import { describe, expect, it } from 'vitest';
import { Stopwatch } from '../../core/stopwatch.js';

/** Keeps the process busy for at least so long. */
async function work(ms: number): Promise<string> {
  const until = performance.now() + ms;
  while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
  return 'done';
}

describe('Stopwatch', () => {
  it('hands the result on and adds up the times of a part, in seconds', async () => {
    const stopwatch = new Stopwatch();
    expect(await stopwatch.measure('gen', () => work(4))).toBe('done');
    await stopwatch.measure('gen', () => work(4));
    const metrics = stopwatch.metrics(100);
    expect(metrics['timing_s/gen']).toBeGreaterThanOrEqual(0.008);
    expect(metrics['timing_s/step']).toBeGreaterThanOrEqual(metrics['timing_s/gen']!);
    expect(metrics['perf/throughput']).toBeCloseTo(100 / metrics['timing_s/step']!, 6);
    expect(metrics['perf/time_per_step']).toBe(metrics['timing_s/step']);
  });

  it('throws what the part throws and counts nothing for it', async () => {
    const stopwatch = new Stopwatch();
    const failure = new Error('failed');
    await expect(stopwatch.measure('gen', () => Promise.reject(failure))).rejects.toBe(failure);
    expect(stopwatch.metrics(0)).not.toHaveProperty('timing_s/gen');
  });
});
