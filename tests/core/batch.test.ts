import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Batch } from '../../core/batch.js';
import { useBackend } from '../../core/tensor/backend.js';
import { sampledCount } from '../../core/trajectories.js';
import type { TrainSequence } from '../../core/types.js';
import { detectedBackend } from '../helpers/backend.js';

beforeAll(async () => {
  await useBackend(detectedBackend);
});

const short: TrainSequence = { tokens: [7, 8], mask: [0, 1], logprobs: [0, -0.5], advantages: [9, 2] };
const long: TrainSequence = {
  tokens: [1, 2, 3, 4, 5],
  mask: [0, 1, 0, 1, 1],
  logprobs: [0, -1, -9, -0.25, -2],
  advantages: [9, 1, 9, -1, -1],
};

describe('a batch', () => {
  it('lays sequences end to end up to their last predictor and knows which predicts each sampled token', async () => {
    const before = tf.memory().numTensors;
    {
      using batch = new Batch([
        { sequence: short, weight: 0.5 },
        { sequence: long, weight: 0.125 },
      ]);
      const list = async (tensor: tf.Tensor): Promise<number[]> => Array.from(await tensor.data());
      expect(await list(batch.tokens)).toEqual([7, 1, 2, 3, 4]);
      expect(await list(batch.positions)).toEqual([0, 0, 1, 2, 3]);
      expect([...batch.offsets]).toEqual([0, 1, 5]);
      expect(await list(batch.predictors)).toEqual([0, 1, 3, 4]);
      expect(await list(batch.targets)).toEqual([8, 2, 4, 5]);
      expect(await list(batch.oldLogProbs)).toEqual([-0.5, -1, -0.25, -2]);
      expect(await list(batch.advantages)).toEqual([2, 1, -1, -1]);
      expect(await list(batch.weights)).toEqual([0.5, 0.125, 0.125, 0.125]);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves out what follows the last sampled token, and a sequence without any', async () => {
    const observed = { ...long, mask: [0, 1, 0, 0, 0] as const };
    const silent = { ...long, mask: [0, 0, 0, 0, 0] as const };
    using batch = new Batch([observed, silent, short].map((sequence) => ({ sequence, weight: 1 })));
    expect([...(await batch.tokens.data())]).toEqual([1, 7]);
    expect([...batch.offsets]).toEqual([0, 1, 1, 2]);
    expect([...(await batch.predictors.data())]).toEqual([0, 1]);
  });

  it.each([
    ['mask', { mask: [0] as const }],
    ['logprobs', { logprobs: [0, 0, 0] }],
    ['advantages', { advantages: [] }],
  ])('refuses %s of another length than the tokens', (name, change) => {
    const before = tf.memory().numTensors;
    expect(() => new Batch([{ sequence: { ...short, ...change }, weight: 1 }])).toThrow(`tokens 2`);
    expect(() => new Batch([{ sequence: { ...short, ...change }, weight: 1 }])).toThrow(name);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a sampled first token, which nothing predicts', () => {
    expect(() => new Batch([{ sequence: { ...short, mask: [1, 0] }, weight: 1 }])).toThrow('first token');
  });
});

describe('sampledCount', () => {
  it('counts mask 1', () => {
    expect([short, long, { ...short, mask: [0, 0] as const }].map(sampledCount)).toEqual([1, 3, 0]);
  });
});
