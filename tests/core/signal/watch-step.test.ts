import { expect, test } from 'vitest';
import { algorithmConfig } from '../../../core/algorithm-config.js';
import { initialLoopState } from '../../../core/loop-state.js';
import { type WatchState, watchStep } from '../../../core/signal/watch-step.js';
import { loopConfig } from '../../../core/train.js';
import type { Metrics } from '../../../core/types.js';

const { signal, alarms, metricsEma } = initialLoopState(algorithmConfig.parse({}));
const fresh: WatchState = { signal, alarms, metricsEma };

/** Steps with these KLs, each told by JSON what the step before knew. */
function watch(kls: readonly number[]): { metrics: Metrics; remarks: readonly string[] }[] {
  const config = loopConfig.parse({ metricsEma: { decay: 0.5, keys: ['actor/ppo_kl'] } });
  let state = fresh;
  return kls.map((kl) => {
    const report = watchStep(config, state, { metrics: { 'actor/ppo_kl': kl }, signals: [] });
    state = JSON.parse(JSON.stringify(report.state));
    return report;
  });
}

test('an alarm that begins to ring is one remark and a metric as long as it rings', () => {
  const steps = watch([0, 1, 1, 1, 0]);
  expect(steps.map(({ metrics }) => metrics['alarm/ppo_kl'])).toEqual([0, 0, 1, 1, 0]);
  expect(steps.map(({ remarks }) => remarks.length)).toEqual([0, 0, 1, 0, 0]);
  expect(steps[2]?.remarks[0]).toMatch(/actor\/ppo_kl is 1, above 0\.1, which is trainer\.alarms\.maxPpoKl; lower/);
});

test('moving averages go on from step to step', () => {
  expect(watch([4, 0, 0]).map(({ metrics }) => metrics['ema/actor/ppo_kl'])).toEqual([4, 2, 1]);
});

test('a flat run is remarked after two steps', () => {
  const view = { taskId: 'a', reason: 'all_equal', rewardMean: 0, rewardStd: 0, scored: 2, size: 2 } as const;
  const config = loopConfig.parse({});
  const first = watchStep(config, fresh, { metrics: {}, signals: [view] });
  const second = watchStep(config, first.state, { metrics: {}, signals: [view] });
  expect([first.remarks, second.remarks]).toEqual([[], [expect.stringContaining('no group had a gradient')]]);
});
