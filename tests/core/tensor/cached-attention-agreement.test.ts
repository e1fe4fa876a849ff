import * as tf from '@tensorflow/tfjs-core';
import { describe, test } from 'vitest';
import { cachedAttention } from '../../../core/tensor/cached-attention.js';
import { KvPages, pageLength } from '../../../core/tensor/kv-pages.js';
import { withBackends } from '../../helpers/gradient.js';
import { expectNear } from '../../helpers/torch-agreement.js';
import {
  type AttentionAttributes,
  attentionAttributes,
  type TorchArray,
  type TorchCase,
  torchCases,
} from '../../helpers/torch-fixture.js';

withBackends(() => {
  describe.each([1, 13, 64, 1000])('at most %d tokens of a sequence in a pass', (chunk) => {
    test.each(torchCases('attention', attentionAttributes))(
      'cachedAttention is the attention of PyTorch: $name',
      (torchCase) => {
        const expected = torchCase.outputs.y!;
        expectNear(attendInPasses(torchCase, chunk), expected, 'y');
      },
    );
  });
});

/** Feeds the sequences side by side, each at most `chunk` tokens a pass, and puts the outputs together again. */
function attendInPasses(torchCase: TorchCase<AttentionAttributes>, chunk: number): Float64Array {
  const { q, k, v } = torchCase.inputs;
  const { offsets: bounds, ...rules } = torchCase.attributes;
  const pages = new KvPages({ numHiddenLayers: 2, numKeyValueHeads: k!.shape[1]!, headDim: k!.shape[2]! }, 3);
  const { blocks, blockOffsets } = allocate(pages, bounds);
  const out = new Float64Array(q!.values.length);
  const rowSize = q!.shape[1]! * q!.shape[2]!;
  const lengths = new Int32Array(bounds.length - 1);
  for (let pass = newRows(bounds, lengths, chunk); pass.rows.length > 0; pass = newRows(bounds, lengths, chunk)) {
    const { rows, offsets } = pass;
    tf.tidy(() => {
      const given = { layer: 1, pages, lengths, offsets, blocks, blockOffsets, ...rules };
      const y = cachedAttention(take(q!, rows), take(k!, rows), take(v!, rows), given).dataSync();
      for (const [i, row] of rows.entries()) out.set(y.subarray(i * rowSize, (i + 1) * rowSize), row * rowSize);
    });
    for (const s of lengths.keys()) lengths[s] = lengths[s]! + offsets[s + 1]! - offsets[s]!;
  }
  return out;
}

/** Pages for all positions of all sequences, dealt out in turn, so that no sequence's pages lie side by side. */
function allocate(pages: KvPages, bounds: readonly number[]): { blocks: Int32Array; blockOffsets: Int32Array } {
  const tables: number[][] = bounds.slice(1).map(() => []);
  const needed = tables.map((_, s) => Math.ceil((bounds[s + 1]! - bounds[s]!) / pageLength));
  for (let i = 0; i < Math.max(...needed); i++) {
    for (const [s, table] of tables.entries()) if (i < needed[s]!) table.push(pages.alloc());
  }
  const blockOffsets = Int32Array.of(0, ...needed.map((_, s) => needed.slice(0, s + 1).reduce((sum, n) => sum + n)));
  return { blocks: Int32Array.from(tables.flat()), blockOffsets };
}

/** The rows of the next pass, and where each sequence's begin among them. */
function newRows(
  bounds: readonly number[],
  lengths: Int32Array,
  chunk: number,
): { rows: number[]; offsets: Int32Array } {
  const rows: number[] = [];
  const offsets = [0];
  for (const [s, length] of lengths.entries()) {
    const first = bounds[s]! + length;
    for (let row = first; row < Math.min(first + chunk, bounds[s + 1]!); row++) rows.push(row);
    offsets.push(rows.length);
  }
  return { rows, offsets: Int32Array.from(offsets) };
}

function take({ shape, values }: TorchArray, rows: readonly number[]): tf.Tensor3D {
  const rowSize = shape[1]! * shape[2]!;
  const taken = rows.flatMap((row) => [...values.subarray(row * rowSize, (row + 1) * rowSize)]);
  return tf.tensor3d(taken, [rows.length, shape[1]!, shape[2]!]);
}
