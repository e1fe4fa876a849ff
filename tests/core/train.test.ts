import { describe, expect, it } from 'vitest';
import { algorithmConfig } from '../../core/algorithm-config.js';
import { criticConfig } from '../../core/critic-config.js';
import { initialLoopState } from '../../core/loop-state.js';
import { addScores } from '../../core/reward-models/score-groups.js';
import { optimizerConfig } from '../../core/schedule.js';
import { MemoryTracker } from '../../core/trackers/memory.js';
import { type LoopParts, type LoopPlan, loopConfig, train } from '../../core/train.js';
import type { UpdateOptions } from '../../core/types.js';
import { never } from '../helpers/tiny-policy.js';
import { exampleGroup } from '../helpers/trajectories.js';

/** Writes down in which order the loop opens its doors. */
class Diary {
  readonly events: string[] = [];
  readonly updates: UpdateOptions[] = [];
  readonly tracker = new MemoryTracker();
  #version = 4;

  parts(): LoopParts {
    return {
      trainer: {
        infer: async () => ({}),
        update: async (_sequences, options) => {
          this.updates.push(options);
          this.events.push('update');
          return { 'actor/pg_loss': 0.5 };
        },
        publish: async () => {
          this.events.push('publish');
          return ++this.#version;
        },
      },
      tracker: this.tracker,
      collect: ({ step, version }) => this.#collect(step, version),
      evaluate: async (step) => void this.events.push(`evaluate ${step}`),
      remark: () => {},
      save: async (step) => void this.events.push(`save ${step}`),
    };
  }

  async *#collect(step: number, version: number) {
    this.events.push(`collect ${step} v${version}`);
    yield exampleGroup();
  }
}

function plan(loop: object, lastStep = 0): LoopPlan {
  const algorithm = algorithmConfig.parse({});
  return {
    loop: loopConfig.parse({ testFreq: 0, saveFreq: 0, ...loop }),
    algorithm,
    critic: criticConfig.parse({}),
    trainBatchSize: 1,
    seed: 1,
    state: initialLoopState(algorithm),
    optimizer: optimizerConfig.parse({ lr: 0.1, lrScheduler: 'linear' }),
    temperature: 0.7,
    maxResponseTokens: 100,
    lastStep,
  };
}

describe('the loop', () => {
  it('collects from the published weights, updates, publishes; evaluates before and after, saves at the end', async () => {
    const diary = new Diary();
    await train(plan({ totalTrainingSteps: 2 }), diary.parts(), never);
    expect(diary.events).toEqual([
      ...['publish', 'evaluate 0'],
      ...['collect 1 v5', 'update', 'publish'],
      ...['collect 2 v6', 'update', 'publish', 'evaluate 2', 'save 2'],
    ]);
  });

  it('evaluates and saves at their own frequencies, the last step once', async () => {
    const diary = new Diary();
    await train(plan({ totalTrainingSteps: 6, testFreq: 2, saveFreq: 3 }), diary.parts(), never);
    expect(diary.events.filter((event) => /^(evaluate|save)/.test(event))).toEqual([
      'evaluate 0',
      'evaluate 2',
      'save 3',
      'evaluate 4',
      'evaluate 6',
      'save 6',
    ]);
  });

  it('goes on after the last step that is in the weights', async () => {
    const diary = new Diary();
    await train(plan({ totalTrainingSteps: 3 }, 2), diary.parts(), never);
    expect(diary.events).toEqual(['publish', 'collect 3 v5', 'update', 'publish', 'evaluate 3', 'save 3']);
  });

  it('of a finished run only evaluates', async () => {
    const diary = new Diary();
    await train(plan({ totalTrainingSteps: 3 }, 3), diary.parts(), never);
    expect(diary.events).toEqual(['publish', 'evaluate 3']);
  });

  it('gives the trainer the learning rate of the step and the temperature of the sampling', async () => {
    const diary = new Diary();
    await train(plan({ totalTrainingSteps: 3 }), diary.parts(), never);
    expect(diary.updates.map(({ lr }) => lr)).toEqual([0.1, 0.05, 0]);
    expect(diary.updates[0]).toMatchObject({ temperature: 0.7, policyLoss: { name: 'vanilla' } });
  });

  it('logs one record a step with scores, the update and times, and the groups as they came', async () => {
    const diary = new Diary();
    await train(plan({ totalTrainingSteps: 1 }), diary.parts(), never);
    const [record, ...more] = await diary.tracker.readMetrics();
    expect(more).toEqual([]);
    const named = { 'critic/score/mean': 1, 'actor/pg_loss': 0.5, 'rollout/failed': 1, 'training/global_step': 1 };
    expect(record).toMatchObject({ step: 1, data: named });
    for (const part of ['gen', 'update_actor', 'update_weights', 'step']) {
      expect(record!.data[`timing_s/${part}`]).toBeGreaterThanOrEqual(0);
    }
    expect(await diary.tracker.readTrajectories('train', 1)).toHaveLength(3);
  });

  it('puts scores into the rewards of each round before groups are filtered, and times that', async () => {
    const diary = new Diary();
    const { algorithm, ...rest } = plan({ totalTrainingSteps: 1 });
    const filterGroups = { name: 'dapo', maxNumGenBatches: 3 };
    const seen: number[] = [];
    const pair = [0, 1].map(() => exampleGroup().outcomes[0]!);
    const parts: LoopParts = {
      ...diary.parts(),
      async *collect({ round }) {
        yield { ...exampleGroup(), outcomes: pair };
        seen.push(round);
      },
      // equal rewards, until the third round's scores make them differ
      score: async (groups) => addScores(groups, seen.length < 3 ? [1, 1] : [0, 1], 10),
    };
    await train({ ...rest, algorithm: algorithmConfig.parse({ ...algorithm, filterGroups }) }, parts, never);
    const [record] = await diary.tracker.readMetrics();
    expect(seen).toEqual([0, 1, 2]);
    expect(record!.data).toMatchObject({ 'critic/score/mean': 6, 'critic/score/max': 11, 'train/num_gen_batches': 3 });
    expect(record!.data['timing_s/reward']).toBeGreaterThanOrEqual(0);
  });

  it('stops at the first failure that is nobody’s wish, without saving', async () => {
    const diary = new Diary();
    const failure = new Error('the trainer died');
    const update = async (): Promise<never> => {
      throw failure;
    };
    const parts = { ...diary.parts(), trainer: { ...diary.parts().trainer, update } };
    await expect(train(plan({ totalTrainingSteps: 3 }), parts, never)).rejects.toBe(failure);
    expect(diary.events.filter((event) => event.startsWith('save'))).toEqual([]);
  });
});
