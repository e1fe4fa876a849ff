import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../core/tensor/backend.js';
import type { Trainer, TrainSequence } from '../../../core/types.js';
import { detectedBackend } from '../../helpers/backend.js';
import { runSupervised, type SupervisedRun, sequencesOf, valuesOf } from '../../helpers/supervised-run.js';

beforeAll(() => useBackend(detectedBackend));

/** The tokens of every update's batch, in order. */
async function batchesOf(run: SupervisedRun): Promise<number[][][]> {
  const batches: number[][][] = [];
  const watch = (trainer: Trainer): Trainer =>
    watching(trainer, (sequences) => batches.push(sequences.map(({ tokens }) => [...tokens])));
  await runSupervised({ ...run, watch });
  return batches;
}

/** The same trainer; its updates are told of when they begin. */
function watching(trainer: Trainer, onUpdate: (sequences: readonly TrainSequence[]) => void): Trainer {
  return {
    infer: trainer.infer.bind(trainer),
    async update(sequences, options, signal) {
      onUpdate(sequences);
      return trainer.update(sequences, options, signal);
    },
    publish: trainer.publish.bind(trainer),
    save: trainer.save.bind(trainer),
    load: trainer.load.bind(trainer),
  };
}

describe('supervised fine-tuning', () => {
  it('lowers the loss of what it learns', async () => {
    const train = sequencesOf(4);
    const run = await runSupervised({ train, val: train, trainBatchSize: 4, loop: { totalEpochs: 15, testFreq: 0 } });
    const losses = valuesOf(run, 'train/loss');
    expect(losses).toHaveLength(15);
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 1);
    const [before, after] = valuesOf(run, 'val/loss');
    expect(before).toBeCloseTo(losses[0]!, 4); // the same tokens, before the first step
    expect(after).toBeLessThan(losses.at(-1)!);
  });

  it('tells verl’s metrics, the tokens of the batch and where in its epochs it is', async () => {
    const train = sequencesOf(4);
    const { metrics } = await runSupervised({ train, loop: { totalTrainingSteps: 3 } });
    const tokens = train.reduce((sum, sequence) => sum + sequence.tokens.length, 0);
    const learnt = train.reduce((sum, { mask }) => sum + mask.filter((bit) => bit === 1).length, 0);
    const data = metrics.map((record) => record.data);
    expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(data.map((one) => one['train/epoch'])).toEqual([0, 0.5, 1]);
    expect(data[0]!['train/global_tokens']! + data[1]!['train/global_tokens']!).toBe(tokens);
    expect(data[0]!['train/loss_tokens']! + data[1]!['train/loss_tokens']!).toBe(learnt);
    expect(data.map((one) => one['train/lr'])).toEqual([0.005, 0.01, 0]);
    expect(data.every((one) => one['train/grad_norm']! > 0)).toBe(true);
  });

  it('is blind to tokens behind the last one that is learnt', async () => {
    const train = sequencesOf(2);
    const changed = train.map((one) => ({
      tokens: [...one.tokens, 7, 7],
      mask: [...one.mask, 0, 0] as const,
      logprobs: [...one.logprobs, 0, 0],
      advantages: [...one.advantages, 0, 0],
    }));
    const loop = { totalTrainingSteps: 1 };
    const [plain, longer] = [await runSupervised({ train, loop }), await runSupervised({ train: changed, loop })];
    expect(valuesOf(longer, 'train/loss')[0]).toBeCloseTo(valuesOf(plain, 'train/loss')[0]!, 5);
    expect(valuesOf(longer, 'train/loss_tokens')).toEqual(valuesOf(plain, 'train/loss_tokens'));
  });

  it('draws its batches by seed and step alone, each sequence once an epoch', async () => {
    const loop = { totalEpochs: 2 };
    const batches = await batchesOf({ loop });
    expect(await batchesOf({ loop: { totalTrainingSteps: 4 } })).toEqual(batches.slice(0, 4));
    expect(await batchesOf({ loop, seed: 2 })).not.toEqual(batches);
    const sorted = (epoch: readonly number[][][]) => epoch.flat().map(String).sort();
    const all = sequencesOf(6).map(({ tokens }) => String([...tokens]));
    expect(sorted(batches.slice(0, 3))).toEqual(all.sort());
    expect(sorted(batches.slice(3))).toEqual(all.sort());
    expect(batches.slice(3)).not.toEqual(batches.slice(0, 3));
  });

  it('leaves an epoch’s last batch out unless it is whole, but takes data smaller than one batch', async () => {
    const sizes = async (count: number) =>
      (await batchesOf({ train: sequencesOf(count), loop: { totalEpochs: 2 }, trainBatchSize: 3 })).map(
        (batch) => batch.length,
      );
    expect(await sizes(5)).toEqual([3, 3]);
    expect(await sizes(2)).toEqual([2, 2]);
  });

  it.each([
    [{ testFreq: 2 }, [0, 2, 4, 5]],
    [{ testFreq: 0 }, [0, 5]],
    [{ testFreq: 0, valBeforeTrain: false }, [5]],
  ])('with %j evaluates after steps %j', async (loop, steps) => {
    const run = await runSupervised({ val: sequencesOf(2, 'val'), loop: { totalTrainingSteps: 5, ...loop } });
    expect(run.metrics.filter(({ data }) => 'val/loss' in data).map(({ step }) => step)).toEqual(steps);
  });

  it('saves now and then and at the end', async () => {
    const run = await runSupervised({ loop: { totalTrainingSteps: 5, saveFreq: 2 } });
    expect(run.saved).toEqual([2, 4, 5]);
  });

  it('finishes the step that an abort finds it in', async () => {
    const [controller, reason] = [new AbortController(), new Error('stop')];
    const watch = (trainer: Trainer): Trainer => watching(trainer, () => controller.abort(reason));
    const run = await runSupervised({ loop: { totalTrainingSteps: 5 }, watch }, { signal: controller.signal });
    const whole = await runSupervised({ loop: { totalTrainingSteps: 5 } });
    expect(run).toMatchObject({ saved: [1], error: reason });
    expect(run.metrics).toEqual(whole.metrics.slice(0, 1));
  });

  it('aborted saves the last finished step and ends with the reason', async () => {
    const [controller, reason] = [new AbortController(), new Error('stop')];
    const onLog = (step: number): void => void (step === 2 && controller.abort(reason));
    const run = await runSupervised({ loop: { totalTrainingSteps: 5 }, onLog }, { signal: controller.signal });
    expect(run).toMatchObject({ saved: [2], error: reason });
    expect(run.metrics).toHaveLength(2);
  });
});
