import * as tf from '@tensorflow/tfjs-core';
import { assert } from '../errors.js';
import { Rng, rngKey } from '../rng.js';
import type { ModelConfig } from './config.js';

/** Trainable float32 tensors by their Hugging Face names; owns them. */
export class Weights implements Disposable {
  readonly #variables: ReadonlyMap<string, tf.Variable>;

  constructor(variables: ReadonlyMap<string, tf.Variable>) {
    this.#variables = variables;
  }

  /** In the order of creation, which is also the order of gradients and optimizer state. */
  get variables(): readonly tf.Variable[] {
    return [...this.#variables.values()];
  }

  get names(): readonly string[] {
    return [...this.#variables.keys()];
  }

  get(name: string): tf.Variable {
    const variable = this.#variables.get(name);
    assert(variable !== undefined, `no weight named ${name}`);
    return variable;
  }

  /** [Out, In] */
  matrix(name: string): tf.Tensor2D {
    const variable = this.get(name);
    assert(isMatrix(variable), `${name} has shape [${variable.shape}], not two axes`);
    return variable;
  }

  /** [C] */
  vector(name: string): tf.Tensor1D {
    const variable = this.get(name);
    assert(isVector(variable), `${name} has shape [${variable.shape}], not one axis`);
    return variable;
  }

  [Symbol.dispose](): void {
    for (const variable of this.#variables.values()) variable.dispose();
  }
}

/**
 * Fresh weights: normal with `initializerRange`, the projections back into the residual stream scaled down by sqrt(2 layers)
 * (Radford et al. 2019, GPT-2, section 2.3); norms are 1. Equal seed, equal weights on every backend.
 */
export function initialWeights(config: ModelConfig, vocabSize: number, seed: number): Weights {
  const variables = new Map<string, tf.Variable>();
  for (const [name, shape] of weightShapes(config, vocabSize)) {
    const isResidual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
    const deviation = config.initializerRange / (isResidual ? Math.sqrt(2 * config.numHiddenLayers) : 1);
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const rng = new Rng(rngKey(seed, 'weights', name));
    if (shape.length === 1) values.fill(1);
    else for (let i = 0; i < values.length; i++) values[i] = deviation * rng.normal();
    variables.set(
      name,
      tf.tidy(() => tf.variable(tf.tensor(values, [...shape]), true)),
    );
  }
  return new Weights(variables);
}

/** What a decoder layer's weights are called between `model.layers.N.` and `.weight`. */
export const layerWeightNames = [
  'input_layernorm',
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'self_attn.q_norm',
  'self_attn.k_norm',
  'post_attention_layernorm',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
] as const;

/** Every weight of the model: Hugging Face name and shape, [Out, In] for matrices. */
export function weightShapes(config: ModelConfig, vocabSize: number): ReadonlyMap<string, readonly number[]> {
  const { hiddenSize: width, headDim, intermediateSize } = config;
  const queries = config.numAttentionHeads * headDim;
  const keys = config.numKeyValueHeads * headDim;
  const layerShapes: { readonly [name in (typeof layerWeightNames)[number]]: readonly number[] } = {
    input_layernorm: [width],
    'self_attn.q_proj': [queries, width],
    'self_attn.k_proj': [keys, width],
    'self_attn.v_proj': [keys, width],
    'self_attn.o_proj': [width, queries],
    'self_attn.q_norm': [headDim],
    'self_attn.k_norm': [headDim],
    post_attention_layernorm: [width],
    'mlp.gate_proj': [intermediateSize, width],
    'mlp.up_proj': [intermediateSize, width],
    'mlp.down_proj': [width, intermediateSize],
  };
  const shapes = new Map<string, readonly number[]>([['model.embed_tokens.weight', [vocabSize, width]]]);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    for (const name of layerWeightNames) shapes.set(`model.layers.${layer}.${name}.weight`, layerShapes[name]);
  }
  return shapes.set('model.norm.weight', [width]);
}

function isMatrix(tensor: tf.Tensor): tensor is tf.Tensor2D {
  return tensor.rank === 2;
}

function isVector(tensor: tf.Tensor): tensor is tf.Tensor1D {
  return tensor.rank === 1;
}
