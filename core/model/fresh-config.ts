import type { ModelConfig } from './config.js';

/** The config.json of a fresh model: transformers reads it. */
export function freshHfConfig(model: ModelConfig, vocabSize: number): { readonly [key: string]: unknown } {
  return {
    architectures: ['Qwen3ForCausalLM'],
    model_type: 'qwen3',
    vocab_size: vocabSize,
    hidden_size: model.hiddenSize,
    intermediate_size: model.intermediateSize,
    num_hidden_layers: model.numHiddenLayers,
    num_attention_heads: model.numAttentionHeads,
    num_key_value_heads: model.numKeyValueHeads,
    head_dim: model.headDim,
    max_position_embeddings: model.maxPositionEmbeddings,
    rms_norm_eps: model.rmsNormEps,
    rope_theta: model.ropeTheta,
    initializer_range: model.initializerRange,
    hidden_act: 'silu',
    attention_bias: false,
    tie_word_embeddings: true,
  };
}
