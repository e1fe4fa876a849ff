import { ConfigError } from '../../errors.js';
import { queryPreAttnScalar } from './attention-scale.js';
import { MetadataReader } from './metadata-reader.js';
import { type GgufArchitecture, ggufArchitecture } from './names.js';
import type { GgufFile } from './read-gguf.js';

/** The content of a config.json, keys as Hugging Face spells them. */
export type HuggingFaceConfig = { readonly [key: string]: unknown };

/** What of a GGUF file its config is made from. */
export interface DescribedFile extends Pick<GgufFile, 'source' | 'metadata' | 'tensors'> {
  /** The values of the tensor rope_freqs.weight; undefined where there is none. */
  readonly ropeFactors: Float32Array | undefined;
}

/**
 * The config that Hugging Face would have for the model of a GGUF file. Llama 3's scaling of rotary frequencies, of which GGUF keeps only
 * the outcome, becomes `rope_scaling: { rope_type: 'factors', factors }`: frequency i is divided by factors[i].
 * Throws ConfigError for what the architectures here do not do.
 */
export function configFromGguf(file: DescribedFile): HuggingFaceConfig & ModelDimensions {
  const reader = new MetadataReader(file.metadata, file.source);
  const architecture = ggufArchitecture(file.metadata.get('general.architecture'), file.source);
  const dimensions = readDimensions(reader, architecture, file);
  return {
    ...IDENTITY[architecture],
    rms_norm_eps: reader.positive(`${architecture}.attention.layer_norm_rms_epsilon`),
    rope_theta: reader.findPositive(`${architecture}.rope.freq_base`) ?? 10_000,
    rope_scaling: ropeScaling(reader, `${architecture}.rope.scaling`, { ...file, headDim: dimensions.head_dim }),
    max_position_embeddings: reader.count(`${architecture}.context_length`),
    tie_word_embeddings: !file.tensors.has('output.weight'),
    ...tokenIds(reader),
    ...PARTICULARS[architecture]({ reader, file, dimensions }),
    ...dimensions,
  };
}

const IDENTITY: { readonly [architecture in GgufArchitecture]: HuggingFaceConfig } = {
  llama: { model_type: 'llama', architectures: ['LlamaForCausalLM'], hidden_act: 'silu' },
  qwen2: { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], hidden_act: 'silu' },
  qwen3: { model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'], hidden_act: 'silu' },
  gemma2: { model_type: 'gemma2', architectures: ['Gemma2ForCausalLM'], hidden_activation: 'gelu_pytorch_tanh' },
  gemma3: { model_type: 'gemma3_text', architectures: ['Gemma3ForCausalLM'], hidden_activation: 'gelu_pytorch_tanh' },
};

/** The sizes of a model, as config.json calls them. */
export interface ModelDimensions {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly intermediate_size: number;
  readonly vocab_size: number;
}

function readDimensions(
  reader: MetadataReader,
  architecture: GgufArchitecture,
  { source, tensors }: DescribedFile,
): ModelDimensions {
  const count = (key: string) => reader.count(`${architecture}.${key}`);
  if (reader.findId(`${architecture}.expert_count`))
    throw new ConfigError(`${source} is a mixture of experts, which cannot be used; take a dense model`);
  const hiddenSize = count('embedding_length');
  const heads = count('attention.head_count');
  const headDim = reader.findCount(`${architecture}.attention.key_length`) ?? hiddenSize / heads;
  if (headDim % 2 !== 0) throw new ConfigError(`the head size of ${source} is ${headDim}, which must be even`);
  for (const key of ['attention.value_length', 'rope.dimension_count']) {
    const other = reader.findCount(`${architecture}.${key}`) ?? headDim;
    if (other !== headDim)
      throw new ConfigError(`${architecture}.${key} of ${source} is ${other}, which must be the head size ${headDim}`);
  }
  const layers = count('block_count');
  if (!tensors.has(`blk.${layers - 1}.attn_norm.weight`))
    throw new ConfigError(
      `${source} should have ${layers} layers, but tensor blk.${layers - 1}.attn_norm.weight is missing`,
    );
  const [vocabSize] = tensors.get('token_embd.weight')?.shape ?? [];
  if (vocabSize === undefined) throw new ConfigError(`${source} has no tensor token_embd.weight`);
  return {
    hidden_size: hiddenSize,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: reader.findCount(`${architecture}.attention.head_count_kv`) ?? heads,
    head_dim: headDim,
    intermediate_size: count('feed_forward_length'),
    vocab_size: vocabSize,
  };
}

function ropeScaling(
  reader: MetadataReader,
  key: string,
  { source, ropeFactors, headDim }: DescribedFile & { readonly headDim: number },
): HuggingFaceConfig | null {
  const type = reader.findText(`${key}.type`) ?? 'none';
  if (ropeFactors !== undefined) {
    if (type !== 'none')
      throw new ConfigError(`${source} scales its rotary frequencies twice (${type} and rope_freqs)`);
    if (ropeFactors.length !== headDim / 2)
      throw new ConfigError(`tensor rope_freqs.weight of ${source} has ${ropeFactors.length} values, not ${headDim / 2}`);
    return { rope_type: 'factors', factors: [...ropeFactors] };
  }
  switch (type) {
    case 'none':
      return null;
    case 'linear':
      return { rope_type: 'linear', factor: reader.positive(`${key}.factor`) };
    case 'yarn':
      return {
        rope_type: 'yarn',
        factor: reader.positive(`${key}.factor`),
        original_max_position_embeddings: reader.count(`${key}.original_context_length`),
      };
    default:
      throw new ConfigError(
        `${key}.type of ${source} is ${type}, which cannot be used; known are none, linear and yarn`,
      );
  }
}

function tokenIds(reader: MetadataReader): HuggingFaceConfig {
  const ids: { [key: string]: number } = {};
  for (const [key, name] of [
    ['bos_token_id', 'bos_token_id'],
    ['eos_token_id', 'eos_token_id'],
    ['padding_token_id', 'pad_token_id'],
  ] as const) {
    const id = reader.findId(`tokenizer.ggml.${key}`);
    if (id !== undefined) ids[name] = id;
  }
  return ids;
}

interface Given {
  readonly reader: MetadataReader;
  readonly file: DescribedFile;
  readonly dimensions: ModelDimensions;
}

const PARTICULARS: { readonly [architecture in GgufArchitecture]: (given: Given) => HuggingFaceConfig } = {
  llama: ({ file: { tensors } }) => ({
    attention_bias: tensors.has('blk.0.attn_q.bias'),
    mlp_bias: tensors.has('blk.0.ffn_gate.bias'),
  }),
  qwen2: () => ({ use_sliding_window: false }),
  qwen3: ({ file: { tensors } }) => ({ attention_bias: tensors.has('blk.0.attn_q.bias'), use_sliding_window: false }),
  gemma2: (given) => ({
    ...gemma('gemma2', given),
    ...slidingWindows('gemma2', given),
    attn_logit_softcapping: given.reader.findPositive('gemma2.attn_logit_softcapping') ?? 50,
    final_logit_softcapping: given.reader.findPositive('gemma2.final_logit_softcapping') ?? 30,
  }),
  gemma3: (given) => ({
    ...gemma('gemma3', given),
    ...slidingWindows('gemma3', given),
    attn_logit_softcapping: null,
    final_logit_softcapping: given.reader.findPositive('gemma3.final_logit_softcapping') ?? null,
    rope_local_base_freq: given.reader.findPositive('gemma3.rope.freq_base_swa') ?? 10_000,
  }),
};

function gemma(architecture: 'gemma2' | 'gemma3', { dimensions }: Given): HuggingFaceConfig {
  return {
    attention_bias: false,
    query_pre_attn_scalar: queryPreAttnScalar({
      architecture,
      layers: dimensions.num_hidden_layers,
      hiddenSize: dimensions.hidden_size,
      heads: dimensions.num_attention_heads,
      headDim: dimensions.head_dim,
    }),
  };
}

/** One layer of so many sees everything, the others a window, where the file does not say otherwise. */
export const WINDOW_PERIODS = { gemma2: 2, gemma3: 6 } as const;

function slidingWindows(
  architecture: 'gemma2' | 'gemma3',
  { reader, dimensions: { num_hidden_layers: layers } }: Given,
): HuggingFaceConfig {
  const window = reader.findId(`${architecture}.attention.sliding_window`) || null;
  const period = reader.findCount(`${architecture}.attention.sliding_window_pattern`) ?? WINDOW_PERIODS[architecture];
  const layerTypes = Array.from({ length: layers }, (_, layer) =>
    window !== null && layer % period < period - 1 ? 'sliding_attention' : 'full_attention',
  );
  return { sliding_window: window, layer_types: layerTypes };
}
