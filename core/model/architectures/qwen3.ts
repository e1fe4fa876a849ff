import type { Architecture } from './architecture.js';
import { upperWindows } from './qwen2.js';

/** Qwen3 (arXiv:2505.09388), its dense models: no biases, RMSNorm on each query and key head. */
export const qwen3: Architecture = {
  modelType: 'qwen3',
  defaults: {
    max_position_embeddings: 32_768,
    tie_word_embeddings: false,
    hidden_act: 'silu',
    rope_theta: 10_000,
    head_dim: 128,
  },
  traits: ({ attention_bias = false }) => ({
    biases: { qkv: attention_bias, output: attention_bias, mlp: false },
    hasHeadNorms: true,
  }),
  windows: upperWindows,
};
