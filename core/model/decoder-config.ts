import type { RotaryConfig } from './rotary-frequencies.js';

/** Families of models, by the `model_type` of their config.json. */
export type ModelType = 'llama' | 'qwen2' | 'qwen3' | 'gemma2' | 'gemma3_text';

/** What one layer has of its own. */
export interface LayerConfig {
  /** A position sees itself and the `window - 1` before it; 0 is all. */
  readonly window: number;
  /** Index into `rotaries`. */
  readonly rotary: number;
}

/** All that a decoder's numbers depend on besides its weights: what an architecture makes of a config.json. */
export interface DecoderConfig {
  readonly modelType: ModelType;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  /** Divides numAttentionHeads. */
  readonly numKeyValueHeads: number;
  /** Even. */
  readonly headDim: number;
  readonly maxPositionEmbeddings: number;
  readonly rmsNormEps: number;
  /** Added to the weight of every norm: Gemma keeps weight - 1. */
  readonly normOffset: 0 | 1;
  readonly hiddenAct: 'silu' | 'gelu_pytorch_tanh';
  /** Which projections have a bias. */
  readonly biases: { readonly qkv: boolean; readonly output: boolean; readonly mlp: boolean };
  /** RMSNorm on each query and key head. */
  readonly hasHeadNorms: boolean;
  /** Norms behind attention and feed-forward as well as before them. */
  readonly hasSandwichNorms: boolean;
  /** The head is the embedding. */
  readonly tieWordEmbeddings: boolean;
  /** Factor of the embeddings. */
  readonly embeddingScale: number;
  /** Factor of the attention scores. */
  readonly attentionScale: number;
  /** Scores and logits become cap · tanh(x / cap); 0 leaves them. */
  readonly attnLogitSoftcapping: number;
  readonly finalLogitSoftcapping: number;
  readonly rotaries: readonly RotaryConfig[];
  readonly layers: readonly LayerConfig[];
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
}
