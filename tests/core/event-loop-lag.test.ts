import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EventLoopLag } from '../../core/event-loop-lag.js';

test('work that never lets go is seen although no sample could be taken', () => {
  let now = 1000;
  using lag = new EventLoopLag(() => now);
  now += 310;
  expect(lag.p99()).toBeCloseTo(300, 0);
});

test('a lag that a timer met is kept after it has passed', async () => {
  using lag = new EventLoopLag();
  block(100);
  await setTimeout(1);
  expect(lag.p99()).toBeGreaterThan(80);
});

test('without samples it is 0', () => {
  using lag = new EventLoopLag(() => 1);
  expect(lag.p99()).toBe(0);
});

function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}
