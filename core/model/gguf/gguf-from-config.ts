import { z } from 'zod';
import { ConfigError } from '../../errors.js';
import { queryPreAttnScalar } from './attention-scale.js';
import { type HuggingFaceConfig, WINDOW_PERIODS } from './config-from-gguf.js';
import type { GgufPair } from './metadata.js';
import type { GgufArchitecture } from './names.js';
import { type RopeSettings, ropeSettings } from './rope-settings.js';

/** What a GGUF file says of a model's shape, and what its tensors depend on. */
export interface DescribedModel {
  readonly architecture: GgufArchitecture;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  /** In the order in which they are written, general.architecture first. */
  readonly pairs: readonly GgufPair[];
}

const count = z.int().min(1);
const dimensions = z.looseObject({
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  intermediate_size: count,
  vocab_size: count,
  rms_norm_eps: z.number().positive(),
  max_position_embeddings: count,
  sliding_window: count.nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.int().nullish(),
  layer_types: z.array(z.string()).nullish(),
  sliding_window_pattern: count.nullish(),
  attn_logit_softcapping: z.number().positive().nullish(),
  final_logit_softcapping: z.number().positive().nullish(),
  query_pre_attn_scalar: z.number().positive().nullish(),
});

type Dimensions = z.output<typeof dimensions>;

const ARCHITECTURES: { readonly [modelType: string]: GgufArchitecture } = {
  llama: 'llama',
  qwen2: 'qwen2',
  qwen3: 'qwen3',
  gemma2: 'gemma2',
  gemma3_text: 'gemma3',
};

/** What Gemma 3's configs leave out where it is as usual. */
const GEMMA3_DEFAULTS: HuggingFaceConfig = {
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  vocab_size: 262_208,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  max_position_embeddings: 131_072,
  sliding_window: 4096,
  query_pre_attn_scalar: 256,
};

/** The metadata of a model without its text. Throws ConfigError, naming `source`, for what a GGUF file cannot say. */
export function describeModel(config: HuggingFaceConfig, source: string): DescribedModel {
  const architecture = architectureOf(config.model_type, source);
  const whole = architecture === 'gemma3' ? { ...GEMMA3_DEFAULTS, ...config } : config;
  const parsed = dimensions.safeParse(whole);
  if (!parsed.success)
    throw new ConfigError(`the config of ${source} cannot become GGUF: ${z.prettifyError(parsed.error)}`);
  const model = parsed.data;
  const headDim = model.head_dim ?? model.hidden_size / model.num_attention_heads;
  const numKeyValueHeads = model.num_key_value_heads ?? model.num_attention_heads;
  const given = { architecture, model, headDim, source };
  const uint32 = (key: string, value: number): GgufPair => ({ key: `${architecture}.${key}`, type: 'uint32', value });
  const pairs: GgufPair[] = [
    { key: 'general.architecture', type: 'string', value: architecture },
    uint32('vocab_size', model.vocab_size),
    uint32('context_length', model.max_position_embeddings),
    uint32('embedding_length', model.hidden_size),
    uint32('block_count', model.num_hidden_layers),
    uint32('feed_forward_length', model.intermediate_size),
    uint32('attention.head_count', model.num_attention_heads),
    uint32('attention.head_count_kv', numKeyValueHeads),
    uint32('attention.key_length', headDim),
    uint32('attention.value_length', headDim),
    uint32('rope.dimension_count', headDim),
    float32(`${architecture}.attention.layer_norm_rms_epsilon`, model.rms_norm_eps),
    ...ropePairs(architecture, ropeSettings(whole, source), source),
    ...(architecture === 'gemma2' || architecture === 'gemma3' ? gemmaPairs({ ...given, architecture }) : []),
  ];
  if (architecture === 'qwen2' || architecture === 'qwen3') checkNoWindow(given);
  return { architecture, numAttentionHeads: model.num_attention_heads, numKeyValueHeads, headDim, pairs };
}

function architectureOf(modelType: unknown, source: string): GgufArchitecture {
  const known = Object.entries(ARCHITECTURES).find(([name]) => name === modelType);
  if (known !== undefined) return known[1];
  throw new ConfigError(
    `the model type ${JSON.stringify(modelType)} of ${source} cannot become GGUF; known are ${Object.keys(ARCHITECTURES).join(', ')}`,
  );
}

function ropePairs(architecture: GgufArchitecture, rope: RopeSettings, source: string): GgufPair[] {
  const key = `${architecture}.rope.scaling`;
  const theta = float32(`${architecture}.rope.freq_base`, rope.theta ?? 10_000);
  switch (rope.type) {
    case 'default':
      return [theta];
    case 'linear':
      return [theta, { key: `${key}.type`, type: 'string', value: 'linear' }, float32(`${key}.factor`, factorOf(rope))];
    case 'yarn':
      return [theta, ...yarnPairs(key, rope, source)];
    case 'llama3':
    case 'factors':
      if (architecture === 'llama') return [theta];
      throw new ConfigError(`llama.cpp has no rope type ${rope.type} for ${architecture}, so ${source} cannot be GGUF`);
    default:
      throw new ConfigError(`the rope type ${rope.type} of ${source} cannot become GGUF`);
  }
}

function yarnPairs(key: string, rope: RopeSettings, source: string): GgufPair[] {
  const original = rope.scaling.original_max_position_embeddings;
  if (original === undefined)
    throw new ConfigError(`the config of ${source} needs original_max_position_embeddings beside the rope type yarn`);
  return [
    { key: `${key}.type`, type: 'string', value: 'yarn' },
    float32(`${key}.factor`, factorOf(rope)),
    { key: `${key}.original_context_length`, type: 'uint32', value: original },
  ];
}

function factorOf({ scaling }: RopeSettings): number {
  return scaling.factor ?? 1;
}

interface Given {
  readonly architecture: GgufArchitecture;
  readonly model: Dimensions;
  readonly headDim: number;
  readonly source: string;
}

function gemmaPairs(given: Given & { readonly architecture: 'gemma2' | 'gemma3' }): GgufPair[] {
  const { architecture, model } = given;
  checkScale(given);
  const pairs: GgufPair[] = [];
  if (model.attn_logit_softcapping != null)
    pairs.push(float32(`${architecture}.attn_logit_softcapping`, model.attn_logit_softcapping));
  if (model.final_logit_softcapping != null)
    pairs.push(float32(`${architecture}.final_logit_softcapping`, model.final_logit_softcapping));
  return [...pairs, ...windowPairs(given)];
}

function checkScale({ architecture, model, headDim, source }: Given): void {
  const scalar = queryPreAttnScalar({
    architecture,
    layers: model.num_hidden_layers,
    hiddenSize: model.hidden_size,
    heads: model.num_attention_heads,
    headDim,
  });
  if ((model.query_pre_attn_scalar ?? 256) !== scalar)
    throw new ConfigError(
      `${source} has query_pre_attn_scalar ${model.query_pre_attn_scalar ?? 256}; llama.cpp would take ${scalar}, so it cannot be GGUF`,
    );
}

function windowPairs({
  architecture,
  model,
  source,
}: Given & { readonly architecture: 'gemma2' | 'gemma3' }): GgufPair[] {
  const key = `${architecture}.attention.sliding_window`;
  if (model.sliding_window == null) return [];
  const usual = WINDOW_PERIODS[architecture];
  const types = model.layer_types;
  const period = types == null ? (model.sliding_window_pattern ?? usual) : periodOf(types, usual);
  if (period === undefined)
    throw new ConfigError(
      `the layer_types of ${source} do not repeat as llama.cpp needs: full_attention every so many`,
    );
  const window: GgufPair = { key, type: 'uint32', value: model.sliding_window };
  return period === usual ? [window] : [window, { key: `${key}_pattern`, type: 'uint32', value: period }];
}

/** After how many layers the types repeat, the last of each run with full attention; the usual number where it fits. */
function periodOf(types: readonly string[], usual: number): number | undefined {
  const candidates = [usual, ...types.map((_, i) => i + 1), types.length + 1];
  return candidates.find((period) =>
    types.every((type, layer) => (type === 'sliding_attention') === layer % period < period - 1),
  );
}

function checkNoWindow({ model, source }: Given): void {
  const slides =
    model.layer_types?.includes('sliding_attention') ??
    (model.use_sliding_window === true && (model.max_window_layers ?? 0) < model.num_hidden_layers);
  if (slides)
    throw new ConfigError(`${source} has layers with a sliding window, which llama.cpp does not give to Qwen`);
}

function float32(key: string, value: number): GgufPair {
  return { key, type: 'float32', value };
}
