import { beforeAll, describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../core/errors.js';
import { useBackend } from '../../core/tensor/backend.js';
import type { InferenceEngine } from '../../core/types.js';
import type { EnvDefinition } from '../../envs/environment.js';
import { detectedBackend } from '../helpers/backend.js';
import { weightValues } from '../helpers/tiny-policy.js';
import { babble, openTinyHouse, runTiny, tinyRollout } from '../helpers/tiny-run.js';

/** An engine that fails for some seeds: the same members at every attempt. */
function failing(engine: InferenceEngine, fails: (seed: number) => boolean, retryable = true): InferenceEngine {
  return {
    generate: async (tokens, sampling, signal) => {
      if (fails(sampling.seed)) throw new InfrastructureError('engine_gone', 'reset', { retryable });
      return engine.generate(tokens, sampling, signal);
    },
  };
}

/** Episodes of some tasks need a sandbox, which the house cannot make. */
const needsSandbox: EnvDefinition = {
  ...babble,
  create(options, tools) {
    const env = babble.create(options, tools);
    return {
      ...env,
      async reset(task, context) {
        if (task.data === 1) await context.sandbox();
        return env.reset(task, context);
      },
      [Symbol.asyncDispose]: () => env[Symbol.asyncDispose](),
    };
  },
};

beforeAll(async () => {
  await useBackend(detectedBackend);
});

describe('a failed rollout', () => {
  it.each([true, false])('is counted and left out while its group trains on (retryable: %s)', async (retryable) => {
    const deps = (engine: InferenceEngine) => ({ engine: failing(engine, (seed) => seed % 3 === 0, retryable) });
    await using house = openTinyHouse({ deps });
    const { metrics, tracker, error } = await runTiny(house, { totalTrainingSteps: 1 });
    expect(error).toBeUndefined();
    const rewards = (await tracker.readTrajectories('train', 1)).flatMap((record) =>
      record.status === 'scored' ? [record.reward.value] : [],
    );
    expect(metrics[0]!['rollout/failed']).toBeGreaterThan(0);
    expect(metrics[0]!['rollout/failed']! + metrics[0]!['rollout/scored']!).toBe(6);
    expect(rewards).toHaveLength(metrics[0]!['rollout/scored']!);
    expect(metrics[0]!['critic/score/mean']).toBeCloseTo(rewards.reduce((a, b) => a + b, 0) / rewards.length, 12);
  });

  it('leaves the step as if it had never been asked for', async () => {
    await using without = openTinyHouse({ deps: () => ({ definition: needsSandbox }) });
    await using smaller = openTinyHouse();
    const { metrics } = await runTiny(without, { totalTrainingSteps: 1, trainBatchSize: 2 });
    await runTiny(smaller, { totalTrainingSteps: 1, trainBatchSize: 1 });
    expect(metrics[0]).toMatchObject({ 'rollout/failed': 3, 'rollout/scored': 3 });
    expect(await weightValues(without.tiny.policy)).toEqual(await weightValues(smaller.tiny.policy));
  });

  it('that hangs costs its deadline and no more', async () => {
    const hanging = (engine: InferenceEngine): InferenceEngine => ({
      generate: (tokens, sampling, signal) =>
        sampling.seed % 3 === 0 ? new Promise(() => {}) : engine.generate(tokens, sampling, signal),
    });
    await using house = openTinyHouse({
      deps: (engine) => ({
        engine: hanging(engine),
        config: { ...tinyRollout, episodeDeadlineMs: 1000 },
      }),
    });
    const startedAt = performance.now();
    const { metrics, error } = await runTiny(house, { totalTrainingSteps: 1 });
    expect(error).toBeUndefined();
    expect(metrics[0]!['actor/grad_norm']).toBeGreaterThan(0);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });
});

describe('a step in which every rollout fails', () => {
  it('changes no weight, not even by momentum or decay, and the run goes on', async () => {
    let isBroken = false;
    const deps = (engine: InferenceEngine) => ({ engine: failing(engine, () => isBroken) });
    await using house = openTinyHouse({ deps });
    const snapshots: number[][] = [];
    const pending: Promise<unknown>[] = [];
    const { metrics, error } = await runTiny(house, {
      totalTrainingSteps: 3,
      onCollect: (step) => {
        isBroken = step === 2;
        pending.push(weightValues(house.tiny.policy).then((values) => snapshots.push(values)));
      },
    });
    await Promise.all(pending);
    expect(error).toBeUndefined();
    expect(metrics.map((step) => step['rollout/scored'])).toEqual([6, 0, 6]);
    expect(metrics[1]).not.toHaveProperty('critic/score/mean');
    expect(snapshots[1]).not.toEqual(snapshots[0]);
    expect(snapshots[2]).toEqual(snapshots[1]);
    expect(metrics[2]!['actor/grad_norm']).toBeGreaterThan(0);
  });
});
