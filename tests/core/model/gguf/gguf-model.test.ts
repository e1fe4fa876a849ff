import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openGgufModel } from '../../../../core/model/gguf/gguf-model.js';
import { ggufArchitectures } from '../../../../core/model/gguf/names.js';
import { openModelDirectory } from '../../../../core/model/safetensors/model-directory.js';
import { entry, ggufBytes, tensorInfo, text, u32 } from '../../../helpers/gguf-bytes.js';
import { TemporaryFolder } from '../../../helpers/temporary-folder.js';

const fixtures = join(import.meta.dirname, '../../../fixtures/gguf');
const signal = new AbortController().signal;

test.each(ggufArchitectures)('a %s model has the tensors of the checkpoint it was made from', async (architecture) => {
  await using model = await openGgufModel(join(fixtures, `${architecture}.gguf`), signal);
  await using checkpoint = await openModelDirectory(join(fixtures, architecture), signal);
  expect(new Map([...model.tensors].sort())).toEqual(new Map([...checkpoint.tensors].sort()));
  for (const name of checkpoint.tensors.keys()) {
    const [values, expected] = [await model.read(name, signal), await checkpoint.read(name, signal)];
    expect(values.every((value, i) => value === expected[i])).toBe(true);
  }
});

test('a tied head is no tensor and its model says that it is tied', async () => {
  await using tied = await openGgufModel(join(fixtures, 'qwen2.gguf'), signal);
  await using untied = await openGgufModel(join(fixtures, 'qwen3.gguf'), signal);
  expect([tied.tensors.has('lm_head.weight'), tied.config.tie_word_embeddings]).toEqual([false, true]);
  expect([untied.tensors.has('lm_head.weight'), untied.config.tie_word_embeddings]).toEqual([true, false]);
});

test('a tensor that is not there is named with the file', async () => {
  await using model = await openGgufModel(join(fixtures, 'qwen2.gguf'), signal);
  await expect(model.read('blk.0.attn_q.weight', signal)).rejects.toThrow(/qwen2\.gguf has no tensor blk\.0\.attn_q/);
});

test('an architecture that is not known is named with those that are', async () => {
  await expect(openGgufModel(join(fixtures, 'blocks.gguf'), signal)).rejects.toThrow(/"none".*llama, qwen2/);
});

test('one part of a split model is refused with the way to join it', async () => {
  using folder = new TemporaryFolder();
  const path = join(folder.path, 'x-00001-of-00002.gguf');
  writeFileSync(path, ggufBytes({ entries: [entry('split.count', 2, Buffer.from([2, 0]))] }));
  await expect(openGgufModel(path, signal)).rejects.toThrow(/one of 2 parts.*--merge/);
});

test.each([
  ['llama.block_count', 4_000_000_000, /should have 4000000000 layers/],
  ['llama.attention.head_count', 2, /attn_q\.weight .* 32 rows, not 8 for each of 2 heads|rope.dimension_count/],
  ['llama.attention.head_count_kv', 4, /attn_k\.\w+ .* 16 rows, not 8 for each of 4 heads/],
  ['llama.attention.head_count', 0, /head_count .* at least 1, not 0/],
])('%s %i does not get far', async (key, value, message) => {
  using folder = new TemporaryFolder();
  const path = join(folder.path, 'x.gguf');
  copyFileSync(join(fixtures, 'llama.gguf'), path);
  writeFileSync(path, withUint32(readFileSync(path), key, value));
  await expect(openGgufModel(path, signal)).rejects.toThrow(message);
});

test('a tensor that no model of the architecture has is refused', async () => {
  const infos = [
    tensorInfo('token_embd.weight', [4n, 2n]),
    tensorInfo('blk.0.ffn_gate_inp.weight', [4n], { offset: 32n }),
  ];
  const architecture = entry('general.architecture', 8, text('qwen3'));
  using folder = new TemporaryFolder();
  const path = join(folder.path, 'x.gguf');
  writeFileSync(path, ggufBytes({ entries: [architecture], infos, data: Buffer.alloc(64) }));
  await expect(openGgufModel(path, signal)).rejects.toThrow(/blk\.0\.ffn_gate_inp\.weight, which qwen3/);
});

function withUint32(bytes: Buffer, key: string, value: number): Buffer {
  const at = bytes.indexOf(text(key)) + text(key).length + 4;
  return Buffer.concat([bytes.subarray(0, at), u32(value), bytes.subarray(at + 4)]);
}
