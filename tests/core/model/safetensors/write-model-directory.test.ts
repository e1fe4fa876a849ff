import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../core/errors.js';
import type { ModelFiles } from '../../../../core/model/model-files.js';
import { openModelDirectory } from '../../../../core/model/safetensors/model-directory.js';
import { writeModelDirectory } from '../../../../core/model/safetensors/write-model-directory.js';
import { fixtureModel, singleModel, textFiles } from '../../../helpers/model-directories.js';
import { TemporaryFolder } from '../../../helpers/temporary-folder.js';
import { never } from '../../../helpers/tiny-policy.js';

async function allValues(model: ModelFiles): Promise<{ [name: string]: number[] }> {
  const values: { [name: string]: number[] } = {};
  for (const name of [...model.tensors.keys()].sort()) values[name] = [...(await model.read(name, never))];
  return values;
}

/** A model in memory. */
function modelOf(config: ModelFiles['config'], values: { readonly [name: string]: readonly number[] }): ModelFiles {
  const entries = Object.entries(values);
  return {
    source: 'memory',
    config,
    tensors: new Map(entries.map(([name, { length }]) => [name, { shape: [length], dtype: 'F32' }])),
    text: undefined,
    read: async (name) => Float32Array.from(values[name] ?? []),
    [Symbol.asyncDispose]: async () => {},
  };
}

const json = (directory: string, name: string): unknown => JSON.parse(readFileSync(join(directory, name), 'utf8'));

describe('a model that is written', () => {
  it.each(['F32', 'BF16'] as const)('in shards of %s is opened to the same weights', async (dtype) => {
    using folder = new TemporaryFolder();
    await using model = await openModelDirectory(fixtureModel, never);
    await writeModelDirectory(model, folder.path, { dtype, maxShardBytes: 1000 }, never);
    await using written = await openModelDirectory(folder.path, never);
    expect(await allValues(written)).toEqual(await allValues(model));
    expect(written.tensors.get('model.norm.weight')?.dtype).toBe(dtype);
    expect(readdirSync(folder.path).filter((name) => /-of-/.test(name)).length).toBeGreaterThan(2);
  });

  it('has no shard above the limit but those of one tensor, and an index that counts all bytes', async () => {
    using folder = new TemporaryFolder();
    const model = modelOf({}, { a: [1, 2], b: [3], c: [4, 5, 6, 7], d: [8], e: [9] });
    await writeModelDirectory(model, folder.path, { dtype: 'F32', maxShardBytes: 12 }, never);
    const shard = (n: number) => `model-0000${n}-of-00003.safetensors`;
    expect(json(folder.path, 'model.safetensors.index.json')).toEqual({
      metadata: { total_size: 36 },
      weight_map: { a: shard(1), b: shard(1), c: shard(2), d: shard(3), e: shard(3) },
    });
    expect(statSync(join(folder.path, shard(2))).size).toBeGreaterThan(16);
  });

  it('is one file where it fits, and says its dtype the new way alone', async () => {
    using folder = new TemporaryFolder();
    const model = modelOf({ model_type: 'llama', torch_dtype: 'float32', dtype: 'float32' }, { a: [1] });
    await writeModelDirectory(model, folder.path, { dtype: 'BF16' }, never);
    expect(readdirSync(folder.path).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(json(folder.path, 'config.json')).toEqual({ model_type: 'llama', dtype: 'bfloat16' });
  });

  it('has reals with a fraction where transformers takes no whole numbers', async () => {
    using folder = new TemporaryFolder();
    const rope = { rope_theta: 1e6, rope_type: 'x"rope_theta": 1' };
    const model = modelOf({ final_logit_softcapping: 30, hidden_size: 8, rms_norm_eps: 1e-6, rope }, {});
    await writeModelDirectory(model, folder.path, { dtype: 'F32' }, never);
    const text = readFileSync(join(folder.path, 'config.json'), 'utf8');
    expect(text).toMatch(/"final_logit_softcapping": 30\.0,\n {2}"hidden_size": 8,\n {2}"rms_norm_eps": 0\.000001,/);
    expect(text).toContain('"rope_theta": 1000000.0,');
    expect(json(folder.path, 'config.json')).toEqual({ ...model.config, dtype: 'float32' });
  });

  it('keeps its text', async () => {
    using source = (await singleModel()).write(textFiles);
    using folder = new TemporaryFolder();
    await using model = await openModelDirectory(source.path, never);
    await writeModelDirectory(model, join(folder.path, 'new/model'), { dtype: 'F32' }, never);
    await using written = await openModelDirectory(join(folder.path, 'new/model'), never);
    expect(written.text).toEqual(model.text);
  });

  it.each([
    [true, ['embed']],
    [false, ['embed', 'lm_head.weight']],
  ])('with tie_word_embeddings %s has the tensors %s', async (tied, expected) => {
    using folder = new TemporaryFolder();
    const model = modelOf({ tie_word_embeddings: tied }, { embed: [1], 'lm_head.weight': [1] });
    await writeModelDirectory(model, folder.path, { dtype: 'F16' }, never);
    await using written = await openModelDirectory(folder.path, never);
    expect([...written.tensors.keys()].sort()).toEqual(expected);
  });

  it('leaves out what holds no weights', async () => {
    using folder = new TemporaryFolder();
    const model = modelOf({}, { weight: [1], mask: [1] });
    const tensors = new Map([...model.tensors, ['mask', { shape: [1], dtype: 'BOOL' }]]);
    await writeModelDirectory({ ...model, tensors }, folder.path, { dtype: 'F32' }, never);
    await using written = await openModelDirectory(folder.path, never);
    expect([...written.tensors.keys()]).toEqual(['weight']);
  });

  it('asks for one tensor at a time', async () => {
    using folder = new TemporaryFolder();
    const reads: string[] = [];
    const model = modelOf({}, { a: [1], b: [2], c: [3] });
    const read = async (name: string) => {
      reads.push(name, `${readdirSync(folder.path).length} files`);
      return Float32Array.of(1);
    };
    await writeModelDirectory({ ...model, read }, folder.path, { dtype: 'F32', maxShardBytes: 4 }, never);
    expect(reads).toEqual(['a', '1 files', 'b', '2 files', 'c', '3 files']);
  });
});

describe('a model is not written', () => {
  it.each(['config.json', 'model.safetensors', 'model.safetensors.index.json', 'model-00001-of-00002.safetensors'])(
    'where there is a %s',
    async (name) => {
      using folder = new TemporaryFolder().write({ [name]: 'old' });
      const writing = writeModelDirectory(modelOf({}, { a: [1] }), folder.path, { dtype: 'F32' }, never);
      await expect(writing).rejects.toThrow(ConfigError);
      await expect(writing).rejects.toThrow(name);
      expect(readFileSync(join(folder.path, name), 'utf8')).toBe('old');
    },
  );

  it('where there is a file', async () => {
    using folder = new TemporaryFolder().write({ file: '' });
    const writing = writeModelDirectory(modelOf({}, {}), join(folder.path, 'file'), { dtype: 'F32' }, never);
    await expect(writing).rejects.toThrow(ConfigError);
  });

  it('with a value that its dtype cannot hold, and has no config then', async () => {
    using folder = new TemporaryFolder();
    const writing = writeModelDirectory(modelOf({}, { big: [1e9] }), folder.path, { dtype: 'F16' }, never);
    await expect(writing).rejects.toThrow('big holds 1000000000, which is too large for F16');
    expect(readdirSync(folder.path)).not.toContain('config.json');
  });

  it('further once the signal has aborted', async () => {
    using folder = new TemporaryFolder();
    const aborted = AbortSignal.abort(new Error('enough'));
    const writing = writeModelDirectory(modelOf({}, { a: [1] }), folder.path, { dtype: 'F32' }, aborted);
    await expect(writing).rejects.toThrow('enough');
    expect(readdirSync(folder.path)).toEqual([]);
  });
});
