import { expect, test } from 'vitest';
import { clipCovSettings, prepareClipCov } from '../../../core/losses/clip-cov.js';
import type { PreparedMiniBatch } from '../../../core/losses/policy-loss.js';
import { Rng } from '../../../core/rng.js';
import { miniBatchOf } from '../../helpers/prepared-mini-batch.js';

/** Means 0: covariances are the products 4, 2, -1, 1.5, 7.2, 3.5. */
const miniBatch = miniBatchOf({ logProbs: [2, -2, 1, -1.5, 3, -2.5], advantages: [2, -1, -1, -1, 2.4, -1.4] });
const all = { name: 'clip_cov', clipCovRatio: 1 };

test('tokens between the bounds are detached', () => {
  expect(detached(miniBatch, all)).toEqual([0, 1, 3, 5]);
  expect(detached(miniBatch, { ...all, clipCovLb: 1.8, clipCovUb: 10 })).toEqual([0, 1, 4, 5]);
});

test('tokens that the clip of the ratio holds already are not detached', () => {
  const oldLogProbs = [1, -2, 1, -1, 3, -2.5];
  expect(detached({ ...miniBatch, oldLogProbs: Float32Array.from(oldLogProbs) }, all)).toEqual([1, 5]);
});

test('a share of all tokens is drawn, at least one, and every candidate can be', () => {
  const drawn = Array.from({ length: 40 }, (_, seed) => detached(miniBatch, { ...all, clipCovRatio: 0.34 }, seed));
  expect(drawn.every((tokens) => tokens.length === 2)).toBe(true);
  expect([...new Set(drawn.flat())].sort()).toEqual([0, 1, 3, 5]);
  expect(detached(miniBatch, { ...all, clipCovRatio: 0 })).toHaveLength(1);
});

test('the same seed draws the same tokens', () => {
  const settings = { ...all, clipCovRatio: 0.34 };
  expect(detached(miniBatch, settings, 7)).toEqual(detached(miniBatch, settings, 7));
});

test('nothing is detached where nothing is a candidate, or nothing at all', () => {
  expect(detached(miniBatch, { ...all, clipCovLb: 50, clipCovUb: 60 })).toEqual([]);
  expect(detached(miniBatchOf({ logProbs: [], advantages: [] }), all)).toEqual([]);
});

function detached(miniBatch: PreparedMiniBatch, settings: unknown, seed = 0): number[] {
  const prepared = prepareClipCov(miniBatch, clipCovSettings.parse(settings), new Rng(seed));
  return [...prepared.keys()].filter((i) => prepared[i] === 1);
}
