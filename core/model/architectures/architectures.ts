import { ConfigError } from '../../errors.js';
import { unknownName } from '../../spelling.js';
import type { DecoderConfig } from '../decoder-config.js';
import type { Architecture } from './architecture.js';
import { gemma2 } from './gemma2.js';
import { gemma3 } from './gemma3.js';
import { parseHfConfig } from './hf-config.js';
import { llama } from './llama.js';
import { qwen2 } from './qwen2.js';
import { qwen3 } from './qwen3.js';
import { fullRope, rotaryConfig, slidingRope } from './rope-scaling.js';

const architectures: ReadonlyMap<string, Architecture> = new Map(
  [llama, qwen2, qwen3, gemma2, gemma3].map((architecture) => [architecture.modelType, architecture]),
);

/**
 * What a config.json describes. Throws ConfigError for an architecture that is not known and for fields that are wrong. The language model
 * of a checkpoint that also sees images (`text_config`) is described alone.
 */
export function decoderConfig(content: object, source: string): DecoderConfig {
  const model = languageModel(content);
  const architecture = architectureOf(model, source);
  const config = parseHfConfig(model, { defaults: architecture.defaults, source });
  if (config.use_bidirectional_attention) {
    throw new ConfigError(`${source} attends in both directions (use_bidirectional_attention), which is not supported`);
  }
  const heads = config.num_attention_heads;
  const keyHeads = config.num_key_value_heads ?? heads;
  if (heads % keyHeads !== 0) {
    throw new ConfigError(
      `config.json of ${source}: ${heads} attention heads do not share ${keyHeads} key heads evenly`,
    );
  }
  const headDim = config.head_dim ?? config.hidden_size / heads;
  if (!Number.isInteger(headDim / 2)) {
    throw new ConfigError(`config.json of ${source}: a head has ${headDim} dimensions; an even number can be rotated`);
  }
  const { max_position_embeddings: maxPositionEmbeddings = 2048 } = config;
  const windows = architecture.windows(config);
  const context = { theta: config.rope_theta ?? 10_000, maxPositionEmbeddings, source };
  const full = rotaryConfig(fullRope(config), context);
  const ownRope = slidingRope(config) ?? windows.slidingRope;
  const sliding = ownRope === undefined ? [] : [rotaryConfig({ ...windows.slidingRope, ...ownRope }, context)];
  return {
    modelType: architecture.modelType,
    vocabSize: config.vocab_size,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    numHiddenLayers: config.num_hidden_layers,
    numAttentionHeads: heads,
    numKeyValueHeads: keyHeads,
    headDim,
    maxPositionEmbeddings,
    rmsNormEps: config.rms_norm_eps ?? 1e-6,
    hiddenAct: activation(config.hidden_activation ?? config.hidden_act ?? 'silu', source),
    tieWordEmbeddings: config.tie_word_embeddings ?? false,
    rotaries: [full, ...sliding],
    layers: Array.from({ length: config.num_hidden_layers }, (_, layer) =>
      windows.isSliding(layer) ? { window: windows.window, rotary: sliding.length } : { window: 0, rotary: 0 },
    ),
    initializerRange: config.initializer_range ?? 0.02,
    ...plain,
    attentionScale: 1 / Math.sqrt(headDim),
    ...architecture.traits(config),
  };
}

function architectureOf(model: object, source: string): Architecture {
  const name = 'model_type' in model ? String(model.model_type) : 'none';
  const architecture = architectures.get(name);
  if (architecture !== undefined) return architecture;
  throw new ConfigError(`${source}: ${unknownName('architecture', name, [...architectures.keys()])}`);
}

const plain = {
  normOffset: 0,
  biases: { qkv: false, output: false, mlp: false },
  hasHeadNorms: false,
  hasSandwichNorms: false,
  embeddingScale: 1,
  attnLogitSoftcapping: 0,
  finalLogitSoftcapping: 0,
} as const;

/** The tied head is said in the outer part of a multimodal config. */
function languageModel(content: object): object {
  if (!('text_config' in content) || typeof content.text_config !== 'object' || content.text_config === null) {
    return content;
  }
  const outer = 'tie_word_embeddings' in content ? { tie_word_embeddings: content.tie_word_embeddings } : {};
  return { ...outer, ...content.text_config };
}

function activation(name: string, source: string): DecoderConfig['hiddenAct'] {
  switch (name) {
    case 'silu':
    case 'swish':
      return 'silu';
    case 'gelu_pytorch_tanh':
    case 'gelu_new':
      return 'gelu_pytorch_tanh';
    default:
      throw new ConfigError(
        `config.json of ${source}: activation '${name}' is not supported; silu and gelu_pytorch_tanh are`,
      );
  }
}
