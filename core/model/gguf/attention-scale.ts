import type { GgufArchitecture } from './names.js';

/** What the attention scale of Gemma follows from. */
export interface ScaleFacts {
  readonly architecture: GgufArchitecture;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly headDim: number;
}

/** The layers of the two models that are 27B. */
const LAYERS_OF_27B: { readonly [architecture: string]: number } = { gemma2: 46, gemma3: 62 };

/** Gemma's query_pre_attn_scalar, which no key of a GGUF file holds: llama.cpp knows the models by their number of layers. */
export function queryPreAttnScalar({ architecture, layers, hiddenSize, heads, headDim }: ScaleFacts): number {
  return LAYERS_OF_27B[architecture] === layers ? Math.floor(hiddenSize / heads) : headDim;
}
