import { type Architecture, fullAttention } from './architecture.js';

/** Llama (Touvron et al., arXiv:2302.13971; 3.x: Grattafiori et al., arXiv:2407.21783), and SmolLM2, which has its shape. */
export const llama: Architecture = {
  modelType: 'llama',
  defaults: { max_position_embeddings: 2048, tie_word_embeddings: false, hidden_act: 'silu', rope_theta: 10_000 },
  traits: ({ attention_bias = false, mlp_bias = false }) => ({
    biases: { qkv: attention_bias, output: attention_bias, mlp: mlp_bias },
  }),
  windows: () => fullAttention,
};
