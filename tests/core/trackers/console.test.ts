import { expect, test } from 'vitest';
import { ConsoleTracker } from '../../../core/trackers/console.js';

function consoleTracker(keys?: string[]) {
  const lines: string[] = [];
  const settings = keys === undefined ? {} : { keys };
  const stream = { write: (text: string) => lines.push(text) };
  return { tracker: new ConsoleTracker({ name: 'console', ...settings }, stream), lines };
}

test('a step is one line of the important metrics that it has', async () => {
  const { tracker, lines } = consoleTracker();
  await tracker.log(3, { 'timing_s/step': 12.34567, 'critic/score/mean': 0.5, 'actor/grad_norm': Number.NaN, rest: 1 });
  expect(lines).toEqual(['step 3 critic/score/mean=0.5 actor/grad_norm=NaN timing_s/step=12.35\n']);
});

test("an evaluation's line has its main metrics", async () => {
  const { tracker, lines } = consoleTracker();
  await tracker.log(10, { 'val-aux/failed': 0, 'val-core/sum/reward/mean@1': 0.123456 });
  expect(lines).toEqual(['step 10 val-core/sum/reward/mean@1=0.1235\n']);
});

test('the metrics and their order can be chosen, and a step without any has no line', async () => {
  const { tracker, lines } = consoleTracker(['b', 'a']);
  await tracker.log(1, { a: 1_234_567, b: -0.0001236 });
  await tracker.log(2, { c: 1 });
  expect(lines).toEqual(['step 1 b=-0.0001236 a=1234567\n']);
});
