import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useBackend } from '../../../../core/tensor/backend.js';
import { onEverySetting } from '../../../helpers/native-addon.js';
import { attend, packedHeads } from '../../../helpers/packed-heads.js';
import { attendToPages, decodeInChunks, TestPages } from '../../../helpers/paged-heads.js';
import { differingBits } from '../../../helpers/same-bits.js';

let tensorsBefore = 0;
beforeEach(async () => {
  await useBackend('native', { threads: 1 });
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => expect(tf.memory().numTensors, 'tensors left behind').toBe(tensorsBefore));

const sizes = [
  { heads: 6, kvHeads: 2, headDim: 10 },
  { heads: 3, kvHeads: 3, headDim: 64 },
  { heads: 9, kvHeads: 1, headDim: 32 },
];

test.each(sizes)('has the bits of attention however tokens arrive: $heads heads over $kvHeads', (size) => {
  const x = packedHeads([200, 64, 1, 131], size);
  const { out } = attend(x);
  for (const chunks of [[1000], [13, 100, 64, 1, 7], [1]])
    expect(differingBits(decodeInChunks(x, chunks), out)).toBe(0);
});

const ruled = [
  { rules: { scale: 0.2, softcap: 1.5 } },
  { rules: { window: 1 } },
  { rules: { window: 70 } },
  { rules: { scale: 0.3, softcap: 50, window: 129 } },
];

test.each(ruled)('has the bits of attention by $rules, however tokens arrive', ({ rules }) => {
  const x = packedHeads([200, 64, 1, 131], { heads: 6, kvHeads: 2, headDim: 10, rules });
  const { out } = attend(x);
  for (const chunks of [[1000], [13, 100, 64, 1, 7], [1]])
    expect(differingBits(decodeInChunks(x, chunks), out)).toBe(0);
});

test.each(ruled)('has the bits of attention by $rules on every instruction set and any threads', async ({ rules }) => {
  const x = packedHeads([330], { heads: 2, kvHeads: 1, headDim: 16, rules });
  const [cached, whole] = await onEverySetting(() => [decodeInChunks(x, [150, 170, 1]), attend(x).out]);
  expect(differingBits(cached!, whole!)).toBe(0);
});

test('threads and instruction sets change no bit, also within one sequence', async () => {
  const x = packedHeads([700], { heads: 2, kvHeads: 1, headDim: 64 });
  expect(await onEverySetting(() => decodeInChunks(x, [150, 530, 1]))).toHaveLength(x.q.length);
});

test('writes new keys and values behind the cached ones and nowhere else', () => {
  const x = packedHeads([70], { heads: 1, kvHeads: 1, headDim: 2 });
  const pages = new TestPages(x);
  attendToPages(x, pages, [0], [65]);
  attendToPages(x, pages, [65], [67]);
  const [page = 0] = pages.blocks.subarray(1);
  const slab = Math.floor(page / pages.pagesPerSlab);
  const keys = [...(pages.keys[0]?.[slab] ?? [])].slice(0, 128);
  const values = [...(pages.values[0]?.[slab] ?? [])].slice(0, 128);
  expect(keys.filter((key) => !Number.isNaN(key))).toEqual([0, 2, 4, 1, 3, 5].map((i) => x.k[128 + i]));
  expect(values.slice(0, 6)).toEqual([...x.v.subarray(128, 134)]);
  expect(values.slice(6).every(Number.isNaN)).toBe(true);
});

test('a pass without tokens returns none', () => {
  const x = packedHeads([5, 5], { heads: 1, kvHeads: 1, headDim: 4 });
  expect(attendToPages(x, new TestPages(x), [0, 0], [0, 0]).length).toBe(0);
});

test('pages that do not exist, and too few of them, are refused', () => {
  const x = packedHeads([100], { heads: 1, kvHeads: 1, headDim: 4 });
  const pages = new TestPages(x);
  pages.blocks[1] = 17;
  expect(() => attendToPages(x, pages, [0], [100])).toThrow('there is no page 17');
  pages.blockOffsets[1] = 1;
  expect(() => attendToPages(x, pages, [0], [100])).toThrow('sequence 0 needs 2 pages');
});
