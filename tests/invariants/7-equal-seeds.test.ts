import { beforeAll, describe, expect, it } from 'vitest';
import { optimizerConfig } from '../../core/schedule.js';
import { useBackend } from '../../core/tensor/backend.js';
import { warmStart, warmStartConfig } from '../../core/warm-start.js';
import { testBackends } from '../helpers/gradient.js';
import { availableIsas, nativeAddon, useIsa } from '../helpers/native-addon.js';
import { never, tokensOf, weightValues } from '../helpers/tiny-policy.js';
import { openTinyHouse, runTiny } from '../helpers/tiny-run.js';

const demonstrations = [12, 9, 16].map((length, i) => {
  const mask = Array.from({ length }, (_, t) => (t < 4 ? 0 : 1));
  return { tokens: tokensOf(length, 'demonstration', i), mask, logprobs: mask.map(() => 0), advantages: mask };
});

/** Warm start and two steps; everything that must be equal. */
async function wholeRun(seed: number) {
  await using house = openTinyHouse({ seed });
  const losses: number[] = [];
  const config = { ...warmStartConfig.parse({ steps: 2, batchSize: 2 }), optimizer: optimizerConfig.parse({}) };
  const onStep = (_step: number, loss: number): void => void losses.push(loss);
  await warmStart(demonstrations, { config, trainer: house.tiny.trainer, seed, onStep }, never);
  const { metrics, tracker } = await runTiny(house, { totalTrainingSteps: 2 });
  const trajectories = (await tracker.readTrajectories('train', 2)).map((record) =>
    record.status === 'scored' ? record.sequences : record,
  );
  return { losses, metrics, trajectories, weights: await weightValues(house.tiny.policy) };
}

describe.each(testBackends)('on %s', (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
  });

  it('equal seeds give equal runs and another seed gives another', async () => {
    const [run, again, other] = [await wholeRun(1), await wholeRun(1), await wholeRun(2)];
    expect(run.metrics).toHaveLength(2);
    expect(again).toEqual(run);
    for (const part of ['losses', 'metrics', 'trajectories', 'weights'] as const) {
      expect(other[part]).not.toEqual(run[part]);
    }
  });
});

describe.runIf(testBackends.includes('native'))('on native', () => {
  let expected: Awaited<ReturnType<typeof wholeRun>>;

  beforeAll(async () => {
    await useBackend('native', { threads: 1 });
    expected = await wholeRun(3);
  });

  it.each([2, 3])('%d threads give the run of one, to the bit', async (threads) => {
    await useBackend('native', { threads });
    expect(await wholeRun(3)).toEqual(expected);
  });

  it('so does every instruction set of this processor', async () => {
    await useBackend('native', { threads: 1 });
    for (const name of availableIsas(await nativeAddon())) {
      using _isa = await useIsa(name);
      expect(await wholeRun(3), name).toEqual(expected);
    }
  });
});
