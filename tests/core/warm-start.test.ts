import { describe, expect, it } from 'vitest';
import type { Trainer, TrainSequence, UpdateOptions } from '../../core/types.js';
import { warmStart, warmStartConfig } from '../../core/warm-start.js';
import { never } from '../helpers/tiny-policy.js';

interface Update {
  readonly sequences: readonly TrainSequence[];
  readonly options: UpdateOptions;
}

/** Remembers its updates; the loss is their number. */
function recorder(updates: Update[]): Trainer {
  return {
    infer: async () => ({}),
    update: async (sequences, options, signal) => {
      signal.throwIfAborted();
      return { 'actor/pg_loss': updates.push({ sequences, options }) };
    },
    publish: async () => 0,
    save: async () => {},
    load: async () => {},
  };
}

const demonstrations = Array.from({ length: 50 }, (_, i) => ({
  tokens: [1, i],
  mask: [0, 1] as const,
  logprobs: [0, 0],
  advantages: [0, 1],
}));

async function warm(settings: object, seed: number, signal = never) {
  const updates: Update[] = [];
  const losses: [number, number][] = [];
  const config = warmStartConfig.parse({ steps: 3, batchSize: 8, ...settings });
  const onStep = (step: number, loss: number): void => void losses.push([step, loss]);
  await warmStart(demonstrations, { config, trainer: recorder(updates), seed, onStep }, signal);
  const drawn = updates.map(({ sequences }) => sequences.map(({ tokens }) => tokens[1]));
  return { updates, losses, drawn };
}

describe('the warm start', () => {
  it('makes one supervised optimizer step a batch and tells its loss', async () => {
    const { updates, losses } = await warm({ optimizer: { lr: 0.5, lrScheduler: 'linear' } }, 1);
    expect(losses).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(updates.map(({ sequences }) => sequences.length)).toEqual([8, 8, 8]);
    expect(updates.map(({ options }) => options.lr)).toEqual([0.5, 0.25, 0]);
    expect(updates[0]!.options).toMatchObject({ policyLoss: { name: 'sft' }, ppoMiniBatchSize: 8, ppoEpochs: 1 });
  });

  it('draws by seed and step alone', async () => {
    const [run, again, other, longer] = [
      await warm({}, 1),
      await warm({}, 1),
      await warm({}, 2),
      await warm({ steps: 5 }, 1),
    ];
    expect(again.drawn).toEqual(run.drawn);
    expect(longer.drawn.slice(0, 3)).toEqual(run.drawn);
    expect(other.drawn).not.toEqual(run.drawn);
    expect(run.drawn[1]).not.toEqual(run.drawn[0]);
  });

  it('of 0 steps does nothing', async () => {
    expect((await warm({ steps: 0 }, 1)).updates).toEqual([]);
  });

  it('ends with the reason of an abort', async () => {
    const reason = new Error('enough');
    await expect(warm({}, 1, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
