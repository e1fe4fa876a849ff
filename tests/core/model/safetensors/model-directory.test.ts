import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError } from '../../../../core/errors.js';
import { openModelDirectory } from '../../../../core/model/safetensors/model-directory.js';
import { fixtureModel, singleModel, textFiles } from '../../../helpers/model-directories.js';
import { writeTensors } from '../../../helpers/safetensors-files.js';
import { TemporaryFolder } from '../../../helpers/temporary-folder.js';
import { never } from '../../../helpers/tiny-policy.js';

const sumsSchema = z.record(z.string(), z.tuple([z.number(), z.number()]));

describe('a model that transformers wrote in shards', () => {
  it('is read to the same weights', async () => {
    await using model = await openModelDirectory(fixtureModel, never);
    const expected = sumsSchema.parse(JSON.parse(readFileSync(`${fixtureModel}.json`, 'utf8')));
    expect([...model.tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [name, [sum, squares]] of Object.entries(expected)) {
      const values = [...(await model.read(name, never))];
      expect(values.reduce((total, value) => total + value, 0)).toBeCloseTo(sum, 12);
      expect(values.reduce((total, value) => total + value * value, 0)).toBeCloseTo(squares, 12);
    }
  });

  it('says its config, shapes and dtypes', async () => {
    await using model = await openModelDirectory(fixtureModel, never);
    expect(model.config).toMatchObject({ model_type: 'llama', hidden_size: 8 });
    expect(model.tensors.get('model.layers.1.mlp.up_proj.weight')).toEqual({ shape: [16, 8], dtype: 'BF16' });
    expect({ source: model.source, text: model.text }).toEqual({ source: fixtureModel, text: undefined });
  });

  it('has no other tensors', async () => {
    await using model = await openModelDirectory(fixtureModel, never);
    await expect(model.read('model.layers.2.mlp.up_proj.weight', never)).rejects.toThrow(ConfigError);
  });
});

describe('the text of a model', () => {
  async function textOf(files: { readonly [name: string]: string }) {
    using folder = await singleModel();
    folder.write(files);
    await using model = await openModelDirectory(folder.path, never);
    return model.text;
  }

  it('is read from its files', async () => {
    expect(await textOf(textFiles)).toEqual({
      tokenizer: { model: { type: 'BPE' } },
      config: { eos_token: '<|end|>', chat_template: 'in the config' },
      chatTemplate: 'in its own file',
      generation: { temperature: 0.6 },
    });
  });

  it('is not there without tokenizer.json, and needs no other file', async () => {
    const { 'tokenizer.json': tokenizer, ...rest } = textFiles;
    expect(await textOf(rest)).toBeUndefined();
    expect(await textOf({ 'tokenizer.json': tokenizer })).toEqual({
      tokenizer: { model: { type: 'BPE' } },
      config: {},
      chatTemplate: undefined,
      generation: {},
    });
  });

  it.each([
    ['"in the config"', 'in the config'],
    ['null', undefined],
    ['[{"name":"tool_use","template":"a"},{"name":"default","template":"b"}]', 'b'],
    ['[{"name":"tool_use","template":"a"}]', undefined],
  ])('has the chat template that tokenizer_config.json gives as %s', async (template, expected) => {
    const config = `{"chat_template":${template}}`;
    const text = await textOf({ 'tokenizer.json': '{}', 'tokenizer_config.json': config });
    expect(text?.chatTemplate).toBe(expected);
  });

  it.each([
    ['tokenizer.json', '[]'],
    ['tokenizer_config.json', '{"chat_template":5}'],
    ['tokenizer_config.json', '{"chat_template":[{"name":"default"}]}'],
    ['generation_config.json', '{'],
  ])('with the %s %s is a ConfigError that names it', async (name, contents) => {
    const read = textOf({ 'tokenizer.json': '{}', [name]: contents });
    await expect(read).rejects.toThrow(ConfigError);
    await expect(read).rejects.toThrow(name);
  });
});

describe('a directory without a whole model is a ConfigError that says what to do:', () => {
  async function expectRefused(spoil: (directory: string) => void, message: string): Promise<void> {
    using folder = new TemporaryFolder();
    cpSync(fixtureModel, folder.path, { recursive: true });
    spoil(folder.path);
    const opened = openModelDirectory(folder.path, never);
    await expect(opened).rejects.toThrow(ConfigError);
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toThrow(folder.path);
  }

  const index = 'model.safetensors.index.json';
  const write = (name: string, contents: string) => (directory: string) =>
    writeFileSync(join(directory, name), contents);
  const remove = (name: string) => (directory: string) => rmSync(join(directory, name));
  const edit = (from: string | RegExp, to: string) => (directory: string) => {
    const path = join(directory, index);
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
  };
  const shard = 'model-00002-of-00004.safetensors';

  it.each<[string, (directory: string) => void, string]>([
    ['none there', (directory) => rmSync(directory, { recursive: true }), 'cannot read the directory'],
    ['no config', remove('config.json'), 'has no config.json: download it'],
    ['a config that is a list', write('config.json', '[]'), 'config.json is not a JSON object'],
    ['a config that is cut off', write('config.json', '{"a":'), 'config.json is not a JSON object'],
    ['no weights', remove(index), `neither model.safetensors nor ${index}`],
    ['an index that is empty', write(index, ''), `${index} is not a JSON object`],
    ['an index without a map', write(index, '{}'), 'has no weight_map'],
    ['an index with numbers', write(index, '{"weight_map":{"a":1}}'), 'has no weight_map'],
    ['an index with a name twice', edit('"weight_map": {', '"weight_map": {"model.norm.weight":"x",'), 'twice'],
    ['an index with __proto__', edit('"weight_map": {', '"weight_map": {"__proto__":"x",'), '__proto__'],
    ['a shard too few', remove(shard), shard],
    ['a broken shard', write(shard, 'broken'), `${shard} is not a usable safetensors file`],
    ['a tensor that no shard has', edit('"model.norm.weight"', '"model.other.weight"'), 'has no tensor "model.other'],
    ['a shard outside', edit(/model-00002-of-00004/g, '../model-00002-of-00004'), 'no name of a safetensors file'],
    ['a shard anywhere', edit(/"model-00002-of-00004/g, '"/etc/model-00002-of-00004'), 'no name of a safetensors file'],
    ['a shard that is no safetensors', edit(/"model-00002[^"]*"/g, '"config.json"'), 'no name of a safetensors file'],
  ])('%s', async (_, spoil, message) => expectRefused(spoil, message));

  it('only pickled weights', async () => {
    await expectRefused((directory) => {
      remove(index)(directory);
      write('pytorch_model.bin', '')(directory);
    }, 'save_pretrained');
  });

  it('only an adapter, only a GGUF file', async () => {
    const instead = (name: string) => (directory: string) => {
      remove('config.json')(directory);
      write(name, '')(directory);
    };
    await expectRefused(instead('adapter_config.json'), 'only an adapter');
    await expectRefused(instead('model-q4.gguf'), 'model-q4.gguf itself');
  });
});

it('one file of weights is taken where an index is there too, as transformers takes it', async () => {
  using folder = new TemporaryFolder();
  cpSync(fixtureModel, folder.path, { recursive: true });
  await writeTensors(
    join(folder.path, 'model.safetensors'),
    new Map([['a', { shape: [], values: Float32Array.of(7) }]]),
  );
  await using model = await openModelDirectory(folder.path, never);
  expect([...(await model.read('a', never))]).toEqual([7]);
});

it('links to files elsewhere are followed, as the cache of Hugging Face has them', async () => {
  using folder = new TemporaryFolder();
  using blobs = new TemporaryFolder();
  await writeTensors(join(blobs.path, 'ab12'), new Map([['a', { shape: [], values: Float32Array.of(7) }]]));
  symlinkSync(join(blobs.path, 'ab12'), join(folder.path, 'model.safetensors'));
  folder.write({ 'config.json': '{}' });
  await using model = await openModelDirectory(folder.path, never);
  expect([...model.tensors.keys()]).toEqual(['a']);
});
