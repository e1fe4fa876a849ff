import { readdir } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../core/tensor/backend.js';
import type { CollectStep } from '../../core/training-step.js';
import type { InferenceEngine } from '../../core/types.js';
import { detectedBackend } from '../helpers/backend.js';
import { temporaryDirectory } from '../helpers/tiny-policy.js';
import { collectTiny, openTinyHouse, runTiny } from '../helpers/tiny-run.js';

beforeAll(async () => {
  await useBackend(detectedBackend);
});

/** Counts the calls in flight, and calls back when as many were begun as it was told. */
class Watch {
  open = 0;
  begun = 0;
  at = Number.POSITIVE_INFINITY;
  onReached: () => void = () => {};

  watching(engine: InferenceEngine): InferenceEngine {
    return {
      generate: async (tokens, sampling, signal) => {
        this.open++;
        if (++this.begun === this.at) this.onReached();
        try {
          return await engine.generate(tokens, sampling, signal);
        } finally {
          this.open--;
        }
      },
    };
  }
}

async function abortedRun(root: string, at: number) {
  const watch = new Watch();
  const controller = new AbortController();
  const reason = new Error('enough');
  let abortedAt = 0;
  watch.at = at;
  watch.onReached = () => {
    abortedAt = performance.now();
    controller.abort(reason);
  };
  await using house = openTinyHouse({ deps: (engine) => ({ engine: watch.watching(engine) }) });
  const run = await runTiny(house, { totalTrainingSteps: 5, root }, controller.signal);
  const tookMs = performance.now() - abortedAt;
  return { ...run, tookMs, reason, openCalls: watch.open, sampling: house.tiny.sampler.size };
}

describe('an abort', () => {
  it('in the middle of a collection saves the last finished step and throws its reason within a second', async () => {
    await using directory = await temporaryDirectory();
    const { error, reason, saved, metrics, tookMs } = await abortedRun(directory.path, 16);
    expect(error).toBe(reason);
    expect(saved).toEqual([1]);
    expect(metrics).toHaveLength(1);
    expect(tookMs).toBeLessThan(1000);
    expect(await readdir(directory.path)).toEqual(['global_step_1']);
  });

  it('in the first collection saves nothing', async () => {
    await using directory = await temporaryDirectory();
    const { error, reason, saved } = await abortedRun(directory.path, 3);
    expect({ error, saved }).toEqual({ error: reason, saved: [] });
    expect(await readdir(directory.path)).toEqual([]);
  });

  it('leaves no call and no timer behind', async () => {
    await using directory = await temporaryDirectory();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const { openCalls } = await abortedRun(directory.path, 8);
    expect(openCalls).toBe(0);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('during an update lets the update finish and counts its step', async () => {
    await using directory = await temporaryDirectory();
    await using house = openTinyHouse();
    const controller = new AbortController();
    const { trainer } = house.tiny;
    const aborting: Pick<typeof trainer, 'infer' | 'update' | 'publish'> = {
      infer: (...args) => trainer.infer(...args),
      update: async (...args) => {
        setImmediate(() => controller.abort(new Error('enough')));
        return trainer.update(...args);
      },
      publish: (signal) => trainer.publish(signal),
    };
    const options = { totalTrainingSteps: 3, root: directory.path, parts: { trainer: aborting } };
    const { error, saved, metrics } = await runTiny(house, options, controller.signal);
    expect(error).toMatchObject({ message: 'enough' });
    expect({ saved, steps: metrics.length }).toEqual({ saved: [1], steps: 1 });
  });

  it('whose step was saved already saves nothing again', async () => {
    await using directory = await temporaryDirectory();
    await using house = openTinyHouse();
    const controller = new AbortController();
    const onCollect = (step: number): void => {
      if (step === 2) controller.abort(new Error('enough'));
    };
    const options = { totalTrainingSteps: 3, saveFreq: 1, root: directory.path, onCollect };
    expect((await runTiny(house, options, controller.signal)).saved).toEqual([1]);
  });

  it('is thrown as its reason even where something else failed because of it', async () => {
    await using house = openTinyHouse();
    const controller = new AbortController();
    async function* collect({ step }: CollectStep, signal: AbortSignal) {
      if (step === 1) return yield* collectTiny(house, { step, firstTask: 0, count: 1 }, signal);
      controller.abort(new Error('enough'));
      throw new Error('socket hang up');
    }
    const { error } = await runTiny(house, { totalTrainingSteps: 2, parts: { collect } }, controller.signal);
    expect(error).toMatchObject({ message: 'enough' });
  });
});

describe('an evaluation that was cut off', () => {
  it('is made when the run is taken up again, before the next step', async () => {
    await using directory = await temporaryDirectory();
    const seen: string[] = [];
    for (const isFirst of [true, false]) {
      await using house = openTinyHouse();
      const controller = new AbortController();
      const evaluate = async (step: number, signal: AbortSignal): Promise<void> => {
        if (isFirst && step === 1) controller.abort(new Error('enough'));
        signal.throwIfAborted();
        seen.push(`evaluate ${step}`);
      };
      const onCollect = (step: number): void => void seen.push(`collect ${step}`);
      const options = { totalTrainingSteps: 2, testFreq: 1, root: directory.path, onCollect, parts: { evaluate } };
      await runTiny(house, options, controller.signal);
    }
    expect(seen).toEqual(['evaluate 0', 'collect 1', 'evaluate 1', 'collect 2', 'evaluate 2']);
  });
});
