import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../core/tensor/backend.js';
import type { Metrics } from '../../core/types.js';
import { testBackends } from '../helpers/gradient.js';
import { temporaryDirectory, weightValues } from '../helpers/tiny-policy.js';
import { openTinyHouse, runTiny } from '../helpers/tiny-run.js';

const totalTrainingSteps = 3;

/** A run that is stopped in the collection after each of the given steps and taken up again by new parts. */
async function runWithStops(
  stops: readonly number[],
  algorithm: object = {},
): Promise<{ metrics: Metrics[]; weights: number[] }> {
  await using directory = await temporaryDirectory();
  const metrics: Metrics[] = [];
  let weights: number[] = [];
  for (const stop of [...stops, totalTrainingSteps]) {
    await using house = openTinyHouse();
    const controller = new AbortController();
    const onCollect = (step: number): void => {
      if (step > stop) controller.abort(new Error('stop'));
    };
    const run = await runTiny(
      house,
      { totalTrainingSteps, root: directory.path, onCollect, algorithm },
      controller.signal,
    );
    metrics.push(...run.metrics);
    weights = await weightValues(house.tiny.policy);
  }
  return { metrics, weights };
}

describe.each(testBackends)('resuming, on %s', (backend) => {
  let uninterrupted: Awaited<ReturnType<typeof runWithStops>>;

  beforeAll(async () => {
    await useBackend(backend);
    uninterrupted = await runWithStops([]);
  });

  it('has something to compare with: every step trains, on other tasks, at another rate', () => {
    const column = (name: string) => uninterrupted.metrics.map((metrics) => metrics[name]);
    expect(column('training/global_step')).toEqual([1, 2, 3]);
    expect(column('actor/grad_norm').every((norm) => norm! > 0)).toBe(true);
    expect(new Set(column('actor/lr')).size).toBe(3);
    expect(new Set(column('critic/score/mean')).size).toBe(3);
  });

  it('after a stop at every step gives the same metrics and weights', async () => {
    const resumed = await runWithStops([0, 1, 2]);
    expect(resumed.metrics).toEqual(uninterrupted.metrics);
    expect(resumed.weights).toEqual(uninterrupted.weights);
  });

  it('takes up the critic, the reference and the controllers too', async () => {
    const ppo = {
      advEstimator: { name: 'gae', lam: 0.9 },
      useKlInReward: true,
      klCtrl: { type: 'adaptive', targetKl: 1e-4, horizon: 20 },
      adaptiveEntropy: { enable: true, targetEntropy: 9, delta: 1e-3 },
    };
    const whole = await runWithStops([], ppo);
    expect(new Set(whole.metrics.map((metrics) => metrics['actor/reward_kl_penalty_coeff'])).size).toBe(3);
    expect(await runWithStops([1, 2], ppo)).toEqual(whole);
  });
});
