import type { Architecture } from './architecture.js';
import { gemmaDefaults, gemmaTraits } from './gemma2.js';

/**
 * Gemma 3 (arXiv:2503.19786), the language model: Gemma 2 with RMSNorm on each query and key head instead of soft caps, five layers with a
 * window to one without, and a rotary embedding of its own for the layers with a window.
 */
export const gemma3: Architecture = {
  modelType: 'gemma3_text',
  defaults: { ...gemmaDefaults, vocab_size: 262_208, max_position_embeddings: 131_072, rope_theta: 1_000_000 },
  traits: (config) => ({
    ...gemmaTraits(config),
    hasHeadNorms: true,
    attnLogitSoftcapping: config.attn_logit_softcapping ?? 0,
    finalLogitSoftcapping: config.final_logit_softcapping ?? 0,
  }),
  windows: ({ sliding_window = 4096, sliding_window_pattern = 6, layer_types, rope_local_base_freq = 10_000 }) => ({
    window: sliding_window,
    isSliding: (layer) =>
      layer_types === undefined
        ? (layer + 1) % sliding_window_pattern !== 0
        : layer_types[layer] === 'sliding_attention',
    slidingRope: { rope_theta: rope_local_base_freq },
  }),
};
