import type { Architecture } from './architecture.js';
import { upperWindows } from './qwen2.js';

/** Qwen3 (arXiv:2505.09388), its dense models: no biases, RMSNorm on each query and key head. */
export const qwen3: Architecture = {
  modelType: 'qwen3',
  defaults: {
    tieWordEmbeddings: false,
    maxPositionEmbeddings: 32_768,
    hiddenAct: 'silu',
    ropeTheta: 10_000,
    headDim: 128,
  },
  traits: ({ attention_bias = false }) => ({
    biases: { qkv: attention_bias, output: attention_bias, mlp: false },
    hasHeadNorms: true,
  }),
  windows: upperWindows,
};
