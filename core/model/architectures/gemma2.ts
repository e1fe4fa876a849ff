import type { Architecture, Traits } from './architecture.js';
import type { HfConfig } from './hf-config.js';

/** What both families have in common. */
export const gemmaDefaults: Architecture['defaults'] = {
  hidden_size: 2304,
  intermediate_size: 9216,
  num_hidden_layers: 26,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  tie_word_embeddings: true,
  hidden_activation: 'gelu_pytorch_tanh',
};

/**
 * Gemma 2 (arXiv:2408.00118): norms before and after each block with weights kept as weight - 1, GeGLU, scaled embeddings, soft caps on
 * scores and logits, a window in every other layer.
 */
export const gemma2: Architecture = {
  modelType: 'gemma2',
  defaults: { ...gemmaDefaults, vocab_size: 256_000, max_position_embeddings: 8192, rope_theta: 10_000 },
  traits: (config) => ({
    ...gemmaTraits(config),
    attnLogitSoftcapping: config.attn_logit_softcapping ?? 50,
    finalLogitSoftcapping: config.final_logit_softcapping ?? 30,
  }),
  windows: ({ sliding_window = 4096, layer_types }) => ({
    window: sliding_window,
    isSliding: (layer) => (layer_types === undefined ? layer % 2 === 0 : layer_types[layer] === 'sliding_attention'),
  }),
};

export function gemmaTraits({
  hidden_size,
  query_pre_attn_scalar = 256,
  attention_bias = false,
}: HfConfig): Partial<Traits> {
  return {
    normOffset: 1,
    hasSandwichNorms: true,
    biases: { qkv: attention_bias, output: attention_bias, mlp: false },
    embeddingScale: Math.sqrt(hidden_size),
    attentionScale: 1 / Math.sqrt(query_pre_attn_scalar),
  };
}
