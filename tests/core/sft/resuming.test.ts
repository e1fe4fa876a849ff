import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../core/tensor/backend.js';
import { MemoryTracker } from '../../../core/trackers/memory.js';
import { detectedBackend } from '../../helpers/backend.js';
import { runSupervised, type SupervisedResult, type SupervisedRun, sequencesOf } from '../../helpers/supervised-run.js';
import { temporaryDirectory } from '../../helpers/tiny-policy.js';

const plan: SupervisedRun = {
  train: sequencesOf(5),
  val: sequencesOf(2, 'val'),
  loop: { totalTrainingSteps: 4, testFreq: 2 },
};

beforeAll(() => useBackend(detectedBackend));

/** A run that is stopped as soon as one of the metrics is told at each of the steps, and taken up by new parts. */
async function runWithStops(
  run: SupervisedRun,
  stops: readonly { readonly step: number; readonly metric: string }[],
): Promise<Pick<SupervisedResult, 'metrics' | 'weights'>> {
  await using directory = await temporaryDirectory();
  const records = new MemoryTracker();
  for (const stop of stops) {
    const controller = new AbortController();
    const onLog = (step: number, data: object): void => {
      if (step === stop.step && stop.metric in data) controller.abort(new Error('stop'));
    };
    await runSupervised({ ...run, root: directory.path, onLog }, { records, signal: controller.signal });
  }
  const { metrics, weights } = await runSupervised({ ...run, root: directory.path }, { records });
  return { metrics, weights };
}

const models = [
  ['all weights', {}],
  ['adapters', { loraRank: 2, loraAlpha: 4 }],
] as const;

describe.each(models)('resuming the fine-tuning of %s equals not having stopped', (_name, model) => {
  const run = { ...plan, model };

  it.each([
    ['after every step', [1, 2, 3].map((step) => ({ step, metric: 'train/loss' }))],
    [
      'before an evaluation, and after one',
      [2, 4].map((step) => ({ step, metric: step === 2 ? 'train/loss' : 'val/loss' })),
    ],
    ['before the last evaluation', [{ step: 4, metric: 'train/loss' }]],
    ['before the first step', [{ step: 0, metric: 'val/loss' }]],
  ])('stopped %s', async (_when, stops) => {
    const whole = await runWithStops(run, []);
    expect(whole.metrics.map(({ step }) => step)).toEqual([0, 1, 2, 2, 3, 4, 4]);
    expect(await runWithStops(run, stops)).toEqual(whole);
  });
});
