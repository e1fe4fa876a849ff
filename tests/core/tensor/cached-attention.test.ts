import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { attention } from '../../../core/tensor/attention.js';
import type { AttentionRules } from '../../../core/tensor/attention-rules.js';
import { cachedAttention } from '../../../core/tensor/cached-attention.js';
import type { CachedPass } from '../../../core/tensor/cached-pass.js';
import { KvPages } from '../../../core/tensor/kv-pages.js';
import { expectClose } from '../../helpers/expect-close.js';
import { Inputs, read, withBackends } from '../../helpers/gradient.js';
import { toleranceOn } from '../../helpers/tolerance.js';

const [heads, kvHeads, headDim] = [4, 2, 8];
const shape = { numHiddenLayers: 2, numKeyValueHeads: kvHeads, headDim };

withBackends((backend) => {
  // Few rows are attended in float64, except on native.
  const tolerance = { relative: toleranceOn(backend, 1e-5), absolute: toleranceOn(backend, 1e-6) };

  test.each([
    ['all at once', [200]],
    ['one token at a time', Array<number>(200).fill(1)],
    ['in pieces of many sizes', [13, 64, 1, 50, 7, 65]],
  ])('a sequence that is read %s is attended as in training', (_, pieces) => {
    using inputs = new Inputs(1);
    const sequence = qkv(inputs, 200);
    const whole = read(() => attention(...sequence, Int32Array.of(0, 200)));
    expectClose(readInPieces(new KvPages(shape, 3), sequence, pieces), whole, tolerance);
  });

  test.each([{ window: 65 }, { softcap: 0.5 }, { scale: 1, softcap: 2, window: 20 }])(
    'a sequence that is read in pieces is attended by the rules of training: %o',
    (rules) => {
      using inputs = new Inputs(5);
      const sequence = qkv(inputs, 150);
      const whole = read(() => attention(...sequence, Int32Array.of(0, 150), rules));
      for (const pieces of [[150], [13, 64, 1, 50, 7, 15], Array<number>(150).fill(1)])
        expectClose(readInPieces(new KvPages(shape, 3), sequence, pieces, rules), whole, tolerance);
    },
  );

  test('sequences of one pass see their own pages only, wherever these lie and whatever they held', () => {
    using inputs = new Inputs(2);
    const [a, b] = [qkv(inputs, 70), qkv(inputs, 5)];
    const pages = new KvPages(shape, 2);
    const blocks = Int32Array.from([pages.alloc(), pages.alloc(), pages.alloc()]).reverse();
    for (const slab of [...pages.keys, ...pages.values].flat()) slab.fill(Number.NaN);
    const offsets = Int32Array.of(0, 70, 75);
    const pass = { pages, lengths: Int32Array.of(0, 0), offsets, blocks, blockOffsets: Int32Array.of(0, 2, 3) };
    const [q, k, v] = [0, 1, 2].map((i) => tf.concat3d([a[i]!, b[i]!], 0));
    const together = read(() => cachedAttention(q!, k!, v!, { ...pass, layer: 1 }));
    tf.dispose([q!, k!, v!]);
    const alone = [a, b].flatMap((one) => readInPieces(new KvPages(shape), one, [one[0].shape[0]]));
    expect(together).toEqual(alone);
  });

  test('a pass is repeatable: the cached length is the owner’s', () => {
    using inputs = new Inputs(3);
    const [q, k, v] = qkv(inputs, 9);
    const pages = new KvPages(shape);
    const pass = { ...onePass(pages, [pages.alloc()], { cached: 0, rows: 9 }), layer: 0 };
    expect(read(() => cachedAttention(q, k, v, pass))).toEqual(read(() => cachedAttention(q, k, v, pass)));
  });

  test('no sequences give no rows', () => {
    const none = (count: number): tf.Tensor3D => tf.zeros([0, count, headDim]);
    const pass = { pages: new KvPages(shape), lengths: new Int32Array(0), offsets: Int32Array.of(0) };
    const blocks = { blocks: new Int32Array(0), blockOffsets: Int32Array.of(0), layer: 0 };
    expect(read(() => cachedAttention(none(heads), none(kvHeads), none(kvHeads), { ...pass, ...blocks }))).toEqual([]);
  });

  test.each([
    ['too few pages', { cached: 60, rows: 5 }, 0, 'a sequence has pages for all of its positions'],
    ['a layer there is not', { cached: 0, rows: 5 }, 2, 'layer 2 is one of 2'],
    ['offsets of other rows', { cached: 0, rows: 4 }, 0, 'offsets ascend from 0 to N'],
  ])('%s are refused by name and shape', (_, size, layer, rule) => {
    using inputs = new Inputs(4);
    const [q, k, v] = qkv(inputs, 5);
    const pages = new KvPages(shape);
    const run = (): number[] => read(() => cachedAttention(q, k, v, { ...onePass(pages, [0], size), layer }));
    expect(run).toThrow(`cachedAttention: ${rule}`);
    expect(run).toThrow('q [5, 4, 8], k [5, 2, 8]');
  });
});

type Qkv = [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];

function qkv(inputs: Inputs, rows: number): Qkv {
  return [inputs.cube(rows, heads, headDim), inputs.cube(rows, kvHeads, headDim), inputs.cube(rows, kvHeads, headDim)];
}

function onePass(
  pages: KvPages,
  blocks: readonly number[],
  { cached, rows }: { cached: number; rows: number },
): CachedPass {
  const blockOffsets = Int32Array.of(0, blocks.length);
  return {
    pages,
    lengths: Int32Array.of(cached),
    offsets: Int32Array.of(0, rows),
    blocks: Int32Array.from(blocks),
    blockOffsets,
  };
}

/** What a sequence's rows attend to when it is read in pieces of so many rows, with a page more whenever one is full. */
function readInPieces(pages: KvPages, sequence: Qkv, pieces: readonly number[], rules: AttentionRules = {}): number[] {
  const blocks: number[] = [];
  let cached = 0;
  return pieces.flatMap((rows) => {
    while (blocks.length * 64 < cached + rows) blocks.push(pages.alloc());
    const pass = { ...onePass(pages, blocks, { cached, rows }), ...rules, layer: 1 };
    const start = cached;
    cached += rows;
    return read(() => {
      const [q, k, v] = sequence.map((x) => tf.slice(x, start, rows));
      return cachedAttention(q!, k!, v!, pass);
    });
  });
}
