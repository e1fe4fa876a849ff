import { expect, test } from 'vitest';
import { ConfigError } from '../../../../core/errors.js';
import { parseModelId } from '../../../../core/model/hub/model-id.js';
import { type FilePlan, planFiles, shardsIn } from '../../../../core/model/hub/plan-files.js';

function plan(names: readonly string[], name = 'a/b'): FilePlan {
  const id = parseModelId(name, 'huggingface');
  if (id === undefined) throw new Error(`${name} is no id`);
  return planFiles(new Set(names), id);
}

function shards(files: readonly string[], names: readonly string[]): readonly string[] {
  const weight_map = Object.fromEntries(files.map((file, i) => [`tensor${i}`, file]));
  const id = { hub: 'huggingface', name: 'a/b', revision: undefined, file: undefined } as const;
  return shardsIn(JSON.stringify({ weight_map }), new Set(names), id);
}

test('one file of weights comes before an index, and the config last', () => {
  const { texts, index, weights, last } = plan([
    'config.json',
    'model.safetensors',
    'model.safetensors.index.json',
    'tokenizer.json',
  ]);
  expect({ texts, index, weights, last }).toEqual({
    texts: ['tokenizer.json'],
    index: undefined,
    weights: ['model.safetensors'],
    last: 'config.json',
  });
});

test('safetensors come before GGUF', () => {
  expect(plan(['config.json', 'model.safetensors', 'x.gguf']).opens).toBeUndefined();
});

test('an adapter is taken without the config of its model', () => {
  const { texts, weights, last } = plan([
    'config.json',
    'adapter_config.json',
    'adapter_model.safetensors',
    'chat_template.jinja',
  ]);
  expect([...texts, ...weights, last]).toEqual([
    'chat_template.jinja',
    'adapter_model.safetensors',
    'adapter_config.json',
  ]);
});

test('a single GGUF file is opened itself', () => {
  expect(plan(['config.json', 'x.gguf'])).toMatchObject({ weights: ['x.gguf'], opens: 'x.gguf', texts: [] });
});

test.each([
  ['a/b:m-Q4_K_M.gguf', 'm-Q4_K_M.gguf'],
  ['a/b:q4_k_m', 'm-Q4_K_M.gguf'],
  ['a/b:Q8_0', 'big/m.Q8_0.gguf'],
])('%s names one GGUF file of several', (name, file) => {
  expect(plan(['m-Q4_K_M.gguf', 'm-IQ4_K_M.gguf', 'big/m.Q8_0.gguf'], name).opens).toBe(file);
});

test.each([
  [['a.gguf', 'b.gguf'], 'a/b', /write a\/b:FILE with one of a.gguf, b.gguf/],
  [['a.gguf'], 'a/b:c.gguf', /no GGUF file c.gguf: it has a.gguf/],
  [['x-Q4.gguf', 'y-Q4.gguf'], 'a/b:Q4', /more than one GGUF file Q4/],
  [['config.json', 'pytorch_model.bin'], 'a/b', /save_pretrained/],
  [['config.json', 'README.md'], 'a/b', /no weights that can be read/],
  [['model.safetensors'], 'a/b', /no config.json/],
  [['../x.gguf'], 'a/b', /no weights/],
])('%j says what to write for %s', (names, name, message) => {
  expect(() => plan(names, name)).toThrow(ConfigError);
  expect(() => plan(names, name)).toThrow(message);
});

test('an index names each shard once', () => {
  expect(shards(['a.safetensors', 'b.safetensors', 'a.safetensors'], ['a.safetensors', 'b.safetensors'])).toEqual([
    'a.safetensors',
    'b.safetensors',
  ]);
});

test.each(['../a.safetensors', '/a.safetensors', 'a\\..\\b.safetensors', 'config.json', 'absent.safetensors'])(
  'an index that names %s is refused',
  (name) => {
    const listed = ['../a.safetensors', '/a.safetensors', 'a\\..\\b.safetensors', 'config.json'];
    expect(() => shards([name], listed)).toThrow(ConfigError);
  },
);
