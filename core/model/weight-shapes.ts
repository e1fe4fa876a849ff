import type { DecoderConfig } from './decoder-config.js';

/** Name and shape of each tensor, [Out, In] for matrices. */
export type WeightShapes = ReadonlyMap<string, readonly number[]>;

/** Every weight of the model by its Hugging Face name. */
export function weightShapes(config: DecoderConfig): WeightShapes {
  const { hiddenSize: width, vocabSize } = config;
  const shapes = new Map<string, readonly number[]>([[embeddingName, [vocabSize, width]]]);
  const layer = layerShapes(config);
  for (let index = 0; index < config.numHiddenLayers; index++) {
    for (const [name, shape] of layer) shapes.set(`${layerPrefix(index)}${name}`, shape);
  }
  shapes.set('model.norm.weight', [width]);
  return config.tieWordEmbeddings ? shapes : shapes.set(headName, [vocabSize, width]);
}

export const embeddingName = 'model.embed_tokens.weight';
/** Only where the head is not the embedding. */
export const headName = 'lm_head.weight';

export function layerPrefix(layer: number): string {
  return `model.layers.${layer}.`;
}

/** The projections of a layer, by what stands before `.weight`: [Out, In], and whether there is a bias [Out]. */
export function projections(config: DecoderConfig): ReadonlyMap<string, { out: number; in: number; bias: boolean }> {
  const { hiddenSize: width, headDim, intermediateSize, biases } = config;
  const queries = config.numAttentionHeads * headDim;
  const keys = config.numKeyValueHeads * headDim;
  return new Map([
    ['self_attn.q_proj', { out: queries, in: width, bias: biases.qkv }],
    ['self_attn.k_proj', { out: keys, in: width, bias: biases.qkv }],
    ['self_attn.v_proj', { out: keys, in: width, bias: biases.qkv }],
    ['self_attn.o_proj', { out: width, in: queries, bias: biases.output }],
    ['mlp.gate_proj', { out: intermediateSize, in: width, bias: biases.mlp }],
    ['mlp.up_proj', { out: intermediateSize, in: width, bias: biases.mlp }],
    ['mlp.down_proj', { out: width, in: intermediateSize, bias: biases.mlp }],
  ]);
}

/** A layer's weights in the order they are used. */
function layerShapes(config: DecoderConfig): WeightShapes {
  const { hiddenSize: width, headDim } = config;
  const shapes = new Map<string, readonly number[]>();
  const norm = (name: string, size = width): void => {
    shapes.set(`${name}.weight`, [size]);
  };
  const all = projections(config);
  const project = (block: string): void => {
    for (const [name, projection] of all) {
      if (!name.startsWith(block)) continue;
      shapes.set(`${name}.weight`, [projection.out, projection.in]);
      if (projection.bias) shapes.set(`${name}.bias`, [projection.out]);
    }
  };
  norm('input_layernorm');
  project('self_attn');
  if (config.hasHeadNorms) {
    norm('self_attn.q_norm', headDim);
    norm('self_attn.k_norm', headDim);
  }
  norm('post_attention_layernorm');
  if (config.hasSandwichNorms) norm('pre_feedforward_layernorm');
  project('mlp');
  if (config.hasSandwichNorms) norm('post_feedforward_layernorm');
  return shapes;
}
