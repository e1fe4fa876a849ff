import type { Architecture, Windows } from './architecture.js';
import { fullAttention } from './architecture.js';
import type { HfConfig } from './hf-config.js';

/** Qwen2 and Qwen2.5 (arXiv:2407.10671, arXiv:2412.15115): Llama's shape with biases on queries, keys and values. */
export const qwen2: Architecture = {
  modelType: 'qwen2',
  defaults: { max_position_embeddings: 32_768, tie_word_embeddings: false, hidden_act: 'silu', rope_theta: 10_000 },
  traits: () => ({ biases: { qkv: true, output: false, mlp: false } }),
  windows: upperWindows,
};

/** Where it is switched on, layers from max_window_layers on see a window. */
export function upperWindows(config: HfConfig): Windows {
  const { use_sliding_window = false, sliding_window = 4096, max_window_layers = 28, layer_types } = config;
  if (!use_sliding_window) return fullAttention;
  return {
    window: sliding_window,
    isSliding: (layer) =>
      layer_types === undefined ? layer >= max_window_layers : layer_types[layer] === 'sliding_attention',
  };
}
