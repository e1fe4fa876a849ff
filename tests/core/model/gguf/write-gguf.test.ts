import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../core/errors.js';
import { openGgufModel } from '../../../../core/model/gguf/gguf-model.js';
import { openGguf } from '../../../../core/model/gguf/read-gguf.js';
import { writeGguf } from '../../../../core/model/gguf/write-gguf.js';
import type { ModelFiles } from '../../../../core/model/model-files.js';
import { openModelDirectory } from '../../../../core/model/safetensors/model-directory.js';
import { textFilesOf } from '../../../../core/text/gguf-text.js';
import { TemporaryFolder } from '../../../helpers/temporary-folder.js';
import { never } from '../../../helpers/tiny-policy.js';

const fixture = (name: string) => fileURLToPath(new URL(`../../../fixtures/gguf/${name}`, import.meta.url));
const architectures = ['llama', 'qwen2', 'qwen3', 'gemma2', 'gemma3'];

/** Each tensor with its values, by name. */
async function valuesOf(files: ModelFiles): Promise<ReadonlyMap<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const name of [...files.tensors.keys()].sort()) values.set(name, await files.read(name, never));
  return values;
}

/** The model with some of it changed. */
const changed = (files: ModelFiles, changes: Partial<ModelFiles>): ModelFiles => ({
  source: files.source,
  config: files.config,
  tensors: files.tensors,
  text: files.text,
  read: (name, signal) => files.read(name, signal),
  [Symbol.asyncDispose]: async () => {},
  ...changes,
});

describe.each(architectures)('a %s model', (architecture) => {
  test('written from a GGUF file reads as the same model', async () => {
    using folder = new TemporaryFolder();
    await using files = await openGgufModel(fixture(`${architecture}.gguf`), never);
    await writeGguf(files, `${folder.path}/again.gguf`, { dtype: 'F32' }, never);
    await using again = await openGgufModel(`${folder.path}/again.gguf`, never);
    expect(again.config).toEqual(files.config);
    expect(await valuesOf(again)).toEqual(await valuesOf(files));
  });

  test('written from safetensors has the tensors of the file that was made in Python', async () => {
    using folder = new TemporaryFolder();
    await using files = await openModelDirectory(fixture(architecture), never);
    await writeGguf(files, `${folder.path}/model.gguf`, { dtype: 'F32' }, never);
    await using ours = await openGguf(`${folder.path}/model.gguf`, never);
    await using theirs = await openGguf(fixture(`${architecture}.gguf`), never);
    expect([...ours.tensors.keys()].sort()).toEqual([...theirs.tensors.keys()].sort());
    for (const name of theirs.tensors.keys()) {
      const [value, expected] = [await ours.read(name, never), await theirs.read(name, never)];
      // Python has the rotary factors from float32 arithmetic.
      if (name === 'rope_freqs.weight')
        for (const [i, factor] of value.entries()) expect(factor).toBeCloseTo(expected[i]!, 5);
      else expect(value, name).toEqual(expected);
    }
  });
});

test.each(['F16', 'BF16'] as const)('written as %s, matrices have it and vectors stay F32', async (dtype) => {
  using folder = new TemporaryFolder();
  await using files = await openGgufModel(fixture('qwen3.gguf'), never);
  await writeGguf(files, `${folder.path}/small.gguf`, { dtype }, never);
  await using file = await openGguf(`${folder.path}/small.gguf`, never);
  for (const [name, { shape, format }] of file.tensors)
    expect(format.name, name).toBe(shape.length === 1 ? 'F32' : dtype);
});

test('what was written is written again byte by byte', async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/model.gguf`;
  await using files = await openGgufModel(fixture('llama.gguf'), never);
  await writeGguf(files, path, { dtype: 'BF16' }, never);
  const first = readFileSync(path);
  await using again = await openGgufModel(path, never);
  await writeGguf(again, path, { dtype: 'BF16' }, never);
  expect(readFileSync(path).equals(first)).toBe(true);
});

test('the tokenizer goes with the model, filled up to its embeddings', async () => {
  using folder = new TemporaryFolder();
  const metadata = {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'qwen2',
    'tokenizer.ggml.tokens': ['a', 'b', 'ab', '<|im_end|>'],
    'tokenizer.ggml.token_type': [1, 1, 1, 3],
    'tokenizer.ggml.merges': ['a b'],
    'tokenizer.ggml.eos_token_id': 3,
    'tokenizer.chat_template': '{{ messages }}',
  };
  const text = textFilesOf(new Map(Object.entries(metadata)), 'x');
  await using files = await openGgufModel(fixture('qwen2.gguf'), never);
  await writeGguf(changed(files, { text }), `${folder.path}/model.gguf`, { dtype: 'F32' }, never);
  await using again = await openGgufModel(`${folder.path}/model.gguf`, never);
  expect(again.text).toEqual(text);
  await using file = await openGguf(`${folder.path}/model.gguf`, never);
  expect(file.metadata.get('tokenizer.ggml.tokens')).toHaveLength(64);
});

test('a model without a tokenizer stays without', async () => {
  using folder = new TemporaryFolder();
  await using files = await openGgufModel(fixture('qwen2.gguf'), never);
  await writeGguf(changed(files, { text: undefined }), `${folder.path}/model.gguf`, { dtype: 'F32' }, never);
  await using again = await openGgufModel(`${folder.path}/model.gguf`, never);
  expect(again.text).toBeUndefined();
});

test('a value too large for F16 is a ConfigError and leaves nothing behind', async () => {
  using folder = new TemporaryFolder();
  await using files = await openGgufModel(fixture('qwen2.gguf'), never);
  const read: ModelFiles['read'] = async (name, signal) => (await files.read(name, signal)).fill(1e6);
  const writing = writeGguf(changed(files, { read }), `${folder.path}/model.gguf`, { dtype: 'F16' }, never);
  await expect(writing).rejects.toThrow(/holds 1000000, which is too large for F16: write BF16 or F32 instead/);
  expect(readdirSync(folder.path)).toEqual([]);
});

test('a tensor GGUF has no name for is a ConfigError', async () => {
  using folder = new TemporaryFolder();
  await using files = await openGgufModel(fixture('qwen2.gguf'), never);
  const tensors = new Map([
    ...files.tensors,
    ['model.layers.0.self_attn.q_proj.lora_A.weight', { shape: [2, 2], dtype: 'F32' }],
  ]);
  const writing = writeGguf(changed(files, { tensors }), `${folder.path}/model.gguf`, { dtype: 'F32' }, never);
  await expect(writing).rejects.toThrow(ConfigError);
});

test('a model without its last layer is a ConfigError', async () => {
  using folder = new TemporaryFolder();
  await using files = await openGgufModel(fixture('qwen2.gguf'), never);
  const tensors = new Map([...files.tensors].filter(([name]) => !name.startsWith('model.layers.1.')));
  const writing = writeGguf(changed(files, { tensors }), `${folder.path}/model.gguf`, { dtype: 'F32' }, never);
  await expect(writing).rejects.toThrow(/nothing that could become blk\.1\.attn_q\.weight/);
});

test('an abort leaves the file that was there', async () => {
  using folder = new TemporaryFolder();
  await using files = await openGgufModel(fixture('qwen2.gguf'), never);
  const path = `${folder.path}/model.gguf`;
  await writeGguf(files, path, { dtype: 'F32' }, never);
  const { mtimeMs } = statSync(path);
  const controller = new AbortController();
  const read: ModelFiles['read'] = async (name, signal) => {
    controller.abort(new Error('enough'));
    return files.read(name, signal);
  };
  const writing = writeGguf(changed(files, { read }), path, { dtype: 'F32' }, controller.signal);
  await expect(writing).rejects.toThrow('enough');
  expect([readdirSync(folder.path), statSync(path).mtimeMs]).toEqual([['model.gguf'], mtimeMs]);
});
