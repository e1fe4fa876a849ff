import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decoderConfig } from '../../../core/model/architectures/architectures.js';
import { loadPolicy } from '../../../core/model/load-policy.js';
import { rotaryFrequencies } from '../../../core/model/rotary-frequencies.js';
import { openModelDirectory } from '../../../core/model/safetensors/model-directory.js';
import { useBackend } from '../../../core/tensor/backend.js';
import { detectedBackend } from '../../helpers/backend.js';
import { checkpointPath, namesWithOldConfig } from '../../helpers/model-references.js';
import { type NamedTensor, readTensors, writeTensors } from '../../helpers/safetensors-files.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';
import { tinyLlama, writeTinyCheckpoint } from '../../helpers/tiny-checkpoint.js';
import { leakedTensors, never } from '../../helpers/tiny-policy.js';

const read = (path: string): object => JSON.parse(readFileSync(`${path}/config.json`, 'utf8'));

describe('config.json', () => {
  it.each(namesWithOldConfig)('of %s says the same in the spelling of transformers 4', (name) => {
    const path = checkpointPath(name);
    expect(decoderConfig(read(`${path}-v4`), name)).toEqual(decoderConfig(read(path), name));
  });

  it('of Gemma 3 leaves out what is usual, as google/gemma-3-4b-it does', () => {
    const text_config = {
      hidden_size: 2560,
      intermediate_size: 10240,
      model_type: 'gemma3_text',
      num_hidden_layers: 34,
      rope_scaling: { factor: 8, rope_type: 'linear' },
      sliding_window: 1024,
    };
    const config = decoderConfig({ model_type: 'gemma3', text_config, vision_config: {} }, 'gemma');
    expect(config).toMatchObject({
      ...{
        vocabSize: 262_208,
        numAttentionHeads: 8,
        numKeyValueHeads: 4,
        headDim: 256,
        maxPositionEmbeddings: 131_072,
      },
      ...{ tieWordEmbeddings: true, hiddenAct: 'gelu_pytorch_tanh', rmsNormEps: 1e-6, hasHeadNorms: true },
      rotaries: [{ theta: 1e6, scaling: { type: 'linear', factor: 8 } }, { theta: 1e4 }],
      attentionScale: 1 / 16,
    });
    expect(config.layers.slice(4, 7).map(({ window }) => window)).toEqual([1024, 0, 1024]);
  });

  it.each([
    [
      { model_type: 'lama' },
      /^x: unknown architecture "lama"; did you mean "llama"\? known: llama, qwen2, qwen3, gemma2/,
    ],
    [{ model_type: 'mamba' }, /unknown architecture "mamba".* known: llama/],
    [{ model_type: undefined }, /unknown architecture/],
    [{ hidden_size: 'big' }, /config\.json of x: hidden_size: /],
    [{ num_attention_heads: 3, num_key_value_heads: 2 }, /3 attention heads do not share 2 key heads evenly/],
    [{ head_dim: 7 }, /a head has 7 dimensions; an even number can be rotated/],
    [{ hidden_act: 'relu' }, /activation 'relu' is not supported; silu and gelu_pytorch_tanh are/],
    [
      { rope_scaling: { rope_type: 'longrope' } },
      /rotary scaling 'longrope' is not supported; default, linear, llama3 and/,
    ],
    [{ rope_scaling: { type: 'linear' } }, /rotary scaling 'linear' needs factor/],
    [{ rope_scaling: { type: 'dynamic', factor: 2 } }, /rotary scaling 'dynamic' is not supported/],
    [{ rope_parameters: { partial_rotary_factor: 0.5 } }, /rotates a part of each head only/],
  ])('with %j is refused', (changes, sentence) => {
    expect(() => decoderConfig({ ...tinyLlama, ...changes }, 'x')).toThrow(sentence);
  });
});

describe('tensors that do not fit the architecture are refused before any is read:', () => {
  let folder: TemporaryFolder;
  beforeEach(async () => {
    folder = new TemporaryFolder();
    await writeTinyCheckpoint(folder.path);
    await useBackend(detectedBackend);
  });
  afterEach(() => folder[Symbol.dispose]());

  const norm = 'model.layers.1.input_layernorm.weight';
  const values = Float32Array.of(1, 2);

  it.each([
    [
      'a missing one',
      (all: Map<string, NamedTensor>) => all.delete(norm),
      /has no tensor model\.layers\.1\.input_layernorm\.weight, which architecture llama needs$/,
    ],
    [
      'one too many',
      (all) => all.set('model.extra.weight', { shape: [2], values }),
      /has a tensor model\.extra\.weight that architecture llama has no place for$/,
    ],
    [
      'another shape',
      (all) => all.set(norm, { shape: [2], values }),
      /model\.layers\.1\.input_layernorm\.weight in \S+ has shape \[2\], its config\.json says \[16\]$/,
    ],
  ] satisfies [string, (all: Map<string, NamedTensor>) => unknown, RegExp][])('%s', async (_name, change, sentence) => {
    const path = `${folder.path}/model.safetensors`;
    const tensors = await readTensors(path);
    change(tensors);
    await writeTensors(path, tensors);
    await using files = await openModelDirectory(folder.path, never);
    const load = () => expect(loadPolicy(files, {}, never)).rejects.toThrow(sentence);
    expect(await leakedTensors(load)).toBe(0);
  });
});

// The entries 0, 8, 14, 16, 18, 20, 24 and 31 of 32, from transformers 5.23.0: ROPE_INIT_FUNCTIONS[type](config, 'cpu') of a
// LlamaConfig and a Qwen3Config with head_dim 64 and these rope_parameters.
const entries = [0, 8, 14, 16, 18, 20, 24, 31];

describe('rotary frequencies of transformers', () => {
  it.each([
    [
      {
        ...{ rope_type: 'llama3', rope_theta: 500_000, factor: 8, low_freq_factor: 1, high_freq_factor: 4 },
        original_max_position_embeddings: 8192,
      },
      [
        ...[1, 0.03760603070259094, 0.0032114461064338684, 0.0005248460220173001, 7.784655463183299e-5],
        ...[3.428102354519069e-5, 6.647869668086059e-6, 3.76732259610435e-7],
      ],
      1,
    ],
    [
      { rope_type: 'yarn', rope_theta: 1e6, factor: 4, original_max_position_embeddings: 32_768 },
      [
        ...[1, 0.03162277862429619, 0.0017785303061828017, 0.0005833333707414567, 0.0001757068675942719],
        ...[4.4456985051510856e-5, 7.905693564680405e-6, 3.8498163235090033e-7],
      ],
      1.138629436111989,
    ],
  ])('%j', (rope_parameters, expected, factor) => {
    const [rotary] = decoderConfig({ ...tinyLlama, rope_parameters }, 'x').rotaries;
    if (rotary === undefined) throw new Error('no rotary embedding');
    const { frequencies, attentionFactor } = rotaryFrequencies(64, rotary);
    for (const [i, entry] of entries.entries()) {
      expect((frequencies[entry] ?? 0) / (expected[i] ?? 0)).toBeCloseTo(1, 5);
    }
    expect(attentionFactor).toBeCloseTo(factor, 12);
  });
});
