import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configFromGguf, type HuggingFaceConfig } from '../../../../core/model/gguf/config-from-gguf.js';
import { describeModel } from '../../../../core/model/gguf/gguf-from-config.js';
import { openGgufModel } from '../../../../core/model/gguf/gguf-model.js';
import type { GgufValue } from '../../../../core/model/gguf/metadata.js';
import { ggufArchitectures } from '../../../../core/model/gguf/names.js';
import { openGguf } from '../../../../core/model/gguf/read-gguf.js';
import { ropeFactors } from '../../../../core/model/gguf/rope-factors.js';
import { ropeSettings } from '../../../../core/model/gguf/rope-settings.js';
import { openModelDirectory } from '../../../../core/model/safetensors/model-directory.js';

const fixtures = join(import.meta.dirname, '../../../fixtures/gguf');
const signal = new AbortController().signal;
/** Spelled differently in the two, without meaning for the model, or compared on their own. */
const apart =
  /^(rope_|_|dtype|transformers_version|initializer_range|use_cache|attention_dropout|pretraining_tp|use_bidirectional|max_window_layers|sliding_window$|layer_types)/;

test.each(ggufArchitectures)('the config of a %s model says what the checkpoint’s says', async (architecture) => {
  const expected = await checkpointConfig(architecture);
  await using model = await openGgufModel(join(fixtures, `${architecture}.gguf`), signal);
  const meant = Object.entries(expected).filter(([key]) => !apart.test(key));
  expect(model.config).toMatchObject(Object.fromEntries(meant));
  const { theta, localTheta } = ropeSettings(expected, architecture);
  expect(ropeSettings(model.config, architecture)).toMatchObject({ theta, localTheta });
});

test.each(['gemma2', 'gemma3'])('the windows of a %s model are the checkpoint’s', async (architecture) => {
  const { sliding_window, layer_types } = await checkpointConfig(architecture);
  await using model = await openGgufModel(join(fixtures, `${architecture}.gguf`), signal);
  expect(model.config).toMatchObject({ sliding_window: 8, layer_types: ['sliding_attention', 'full_attention'] });
  expect([sliding_window, layer_types]).toEqual([model.config.sliding_window, model.config.layer_types]);
});

test('linear scaling and factors of frequencies are kept', async () => {
  await using linear = await openGgufModel(join(fixtures, 'gemma3.gguf'), signal);
  await using factors = await openGgufModel(join(fixtures, 'llama.gguf'), signal);
  expect(linear.config.rope_scaling).toEqual({ rope_type: 'linear', factor: 8 });
  expect(factors.config.rope_scaling).toMatchObject({ rope_type: 'factors' });
});

test('llama3 scaling gives the factors that transformers’ frequencies imply', async () => {
  const config = await checkpointConfig('llama');
  await using file = await openGguf(join(fixtures, 'llama.gguf'), signal);
  const expected = await file.read('rope_freqs.weight', signal);
  const found = ropeFactors(config, 8, 'llama') ?? [];
  expect(found).toHaveLength(4);
  for (const [i, factor] of found.entries()) expect(factor / (expected[i] ?? 0)).toBeCloseTo(1, 6);
});

test.each(ggufArchitectures)(
  'metadata of a %s checkpoint’s config are those of its GGUF file',
  async (architecture) => {
    await using file = await openGguf(join(fixtures, `${architecture}.gguf`), signal);
    const { pairs } = describeModel(await checkpointConfig(architecture), architecture);
    const written = new Map<string, GgufValue>(
      pairs.map(({ key, type, value }) => [key, type === 'float32' ? Math.fround(value) : value]),
    );
    const read = [...file.metadata].filter(([key]) => !key.startsWith('tokenizer.'));
    expect(Object.fromEntries(written)).toMatchObject(
      Object.fromEntries(read.filter(([key]) => !key.endsWith('_pattern'))),
    );
  },
);

test.each(ggufArchitectures)('a %s config comes back from the metadata made of it', async (architecture) => {
  await using file = await openGguf(join(fixtures, `${architecture}.gguf`), signal);
  const factors = file.tensors.has('rope_freqs.weight') ? await file.read('rope_freqs.weight', signal) : undefined;
  const { source, tensors } = file;
  const config = configFromGguf({ source, metadata: file.metadata, tensors, ropeFactors: factors });
  const { pairs } = describeModel(config, source);
  const metadata = new Map<string, GgufValue>(pairs.map(({ key, value }) => [key, value]));
  const { bos_token_id, eos_token_id, pad_token_id, ...rest } = config;
  expect(
    configFromGguf({ source, metadata, tensors, ropeFactors: ropeFactors(config, config.head_dim, source) }),
  ).toEqual(rest);
});

test('Gemma’s 27B models scale queries by the width of a head’s share, the others by the head size', () => {
  const gemma = { ...gemma3, num_hidden_layers: 62, hidden_size: 5376, num_attention_heads: 32, head_dim: 128 };
  expect(describeModel({ ...gemma, query_pre_attn_scalar: 168 }, 'x').architecture).toBe('gemma3');
  expect(() => describeModel({ ...gemma, query_pre_attn_scalar: 128 }, 'x')).toThrow(/would take 168/);
});

test('windows repeat as llama.cpp counts, or cannot be written', () => {
  const [s, f] = ['sliding_attention', 'full_attention'];
  const pattern = (layer_types: readonly string[]) =>
    describeModel({ ...gemma3, num_hidden_layers: layer_types.length, layer_types }, 'x').pairs.find(({ key }) =>
      key.endsWith('_pattern'),
    )?.value;
  expect([pattern([s, s, s, s, s, f]), pattern([s, s]), pattern([s, s, f, s]), pattern([f, f])]).toEqual([
    undefined,
    undefined,
    3,
    1,
  ]);
  expect(() => pattern([f, s])).toThrow(/do not repeat/);
});

test.each<[what: string, config: HuggingFaceConfig, message: RegExp]>([
  ['an unknown model type', { model_type: 'mamba' }, /"mamba".*known are llama/],
  ['a model type that objects have', { model_type: 'constructor' }, /"constructor"/],
  ['a missing size', { model_type: 'llama' }, /hidden_size/],
  ['another rope type', { model_type: 'llama', rope_scaling: { rope_type: 'longrope' } }, /longrope/],
  ['llama3 scaling for Qwen', { model_type: 'qwen3', rope_scaling: { rope_type: 'llama3' } }, /no rope type llama3/],
  ['windows for Qwen', { model_type: 'qwen2', use_sliding_window: true, max_window_layers: 1 }, /sliding window/],
])('%s cannot be written', (_, config, message) => {
  const whole = 'rope_scaling' in config || 'use_sliding_window' in config ? { ...sizes, ...config } : config;
  expect(() => describeModel(whole, 'x')).toThrow(message);
});

const sizes = {
  ...{ hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, intermediate_size: 32 },
  ...{ vocab_size: 64, rms_norm_eps: 1e-6, max_position_embeddings: 128 },
};
const gemma3 = { ...sizes, model_type: 'gemma3_text', sliding_window: 8, head_dim: 16, query_pre_attn_scalar: 16 };

async function checkpointConfig(architecture: string): Promise<HuggingFaceConfig> {
  await using checkpoint = await openModelDirectory(join(fixtures, architecture), signal);
  return checkpoint.config;
}
