import * as tf from '@tensorflow/tfjs-core';
import { checkpointed } from '../tensor/checkpointed.js';
import { embedding } from '../tensor/embedding.js';
import { linear } from '../tensor/linear.js';
import { residual } from '../tensor/residual.js';
import { rmsNorm } from '../tensor/rms-norm.js';
import { rotary } from '../tensor/rotary.js';
import { swiglu } from '../tensor/swiglu.js';
import type { Attend } from './attend.js';
import type { Policy } from './policy.js';
import { layerWeightNames } from './weights.js';

/** The tokens of one forward pass, N of them laid end to end; `attend` knows which belong together. */
export interface DecoderPass {
  /** [N] int32 */
  readonly tokens: tf.Tensor1D;
  /** [N] int32: absolute position of each token in its sequence. */
  readonly positions: tf.Tensor1D;
  readonly attend: Attend;
  /** Keep only each layer's input for the gradient, which computes the rest again. */
  readonly isCheckpointed: boolean;
}

/** What a forward pass reads of a model. */
export type DecoderParts = Pick<Policy, 'config' | 'weights' | 'rotaryTable'>;

/**
 * Decoder-only transformer of Qwen3's shape: pre-RMSNorm, rotary embedding, RMSNorm on each query and key head, grouped-query
 * attention, SwiGLU, head tied to the embedding.
 * @returns [N, C] float32, after the last norm: what the head reads
 */
export function decoder(parts: DecoderParts, pass: DecoderPass): tf.Tensor2D {
  const { config, weights } = parts;
  return tf.tidy(() => {
    let x = embedding(weights.matrix('model.embed_tokens.weight'), pass.tokens); // [N, C]
    for (let layer = 0; layer < config.numHiddenLayers; layer++) {
      const input = x;
      x = tf.tidy(() => runLayer(parts, pass, layer, input)); // what the gradient needs of the layer is kept by its ops
      input.dispose();
    }
    return rmsNorm(x, weights.vector('model.norm.weight'), config.rmsNormEps);
  });
}

/** A layer as a function of its input and weights, so that its gradient can run it again. */
function runLayer(parts: DecoderParts, pass: DecoderPass, layer: number, x: tf.Tensor2D): tf.Tensor2D {
  const given = layerWeightNames.map((name) => parts.weights.get(`model.layers.${layer}.${name}.weight`));
  const run = (...[input, ...weights]: tf.Tensor[]): tf.Tensor =>
    decoderLayer(parts, pass, { layer, x: asMatrix(input), weights: layerWeights(weights) });
  return asMatrix(pass.isCheckpointed ? checkpointed(run)(x, ...given) : run(x, ...given));
}

/** A layer's weights by the last parts of their names. */
interface LayerWeights {
  matrix(name: LayerWeightName): tf.Tensor2D;
  vector(name: LayerWeightName): tf.Tensor1D;
}

type LayerWeightName = (typeof layerWeightNames)[number];

function layerWeights(tensors: readonly tf.Tensor[]): LayerWeights {
  const find = (name: LayerWeightName): tf.Tensor | undefined => tensors[layerWeightNames.indexOf(name)];
  return { matrix: (name) => asMatrix(find(name)), vector: (name) => asVector(find(name)) };
}

function decoderLayer(
  { config, rotaryTable }: DecoderParts,
  { positions, attend }: DecoderPass,
  { layer, x, weights }: { readonly layer: number; readonly x: tf.Tensor2D; readonly weights: LayerWeights },
): tf.Tensor2D {
  const { headDim, numAttentionHeads, numKeyValueHeads, rmsNormEps } = config;
  const rows = x.shape[0];
  const norm = (input: tf.Tensor2D, name: LayerWeightName): tf.Tensor2D =>
    rmsNorm(input, weights.vector(name), rmsNormEps);
  const project = (input: tf.Tensor2D, name: LayerWeightName): tf.Tensor2D => linear(input, weights.matrix(name));
  const rotatedHeads = (input: tf.Tensor2D, name: LayerWeightName, heads: number): tf.Tensor3D =>
    rotary(
      tf.reshape(norm(tf.reshape(input, [rows * heads, headDim]), name), [rows, heads, headDim]),
      rotaryTable,
      positions,
    );

  const attentionInput = norm(x, 'input_layernorm'); // [N, C]
  const q = rotatedHeads(project(attentionInput, 'self_attn.q_proj'), 'self_attn.q_norm', numAttentionHeads); // [N, H, D]
  const k = rotatedHeads(project(attentionInput, 'self_attn.k_proj'), 'self_attn.k_norm', numKeyValueHeads); // [N, Hkv, D]
  const v: tf.Tensor3D = tf.reshape(project(attentionInput, 'self_attn.v_proj'), [rows, numKeyValueHeads, headDim]); // [N, Hkv, D]
  const attended: tf.Tensor2D = tf.reshape(attend(layer, q, k, v), [rows, numAttentionHeads * headDim]); // [N, H*D]
  const afterAttention = residual(x, project(attended, 'self_attn.o_proj')); // [N, C]

  const mlpInput = norm(afterAttention, 'post_attention_layernorm'); // [N, C]
  const activated = swiglu(project(mlpInput, 'mlp.gate_proj'), project(mlpInput, 'mlp.up_proj')); // [N, F]
  return residual(afterAttention, project(activated, 'mlp.down_proj'));
}

function asMatrix(tensor: tf.Tensor | undefined): tf.Tensor2D {
  if (tensor === undefined || !isMatrix(tensor)) throw new RangeError(`[${tensor?.shape}] is no matrix`);
  return tensor;
}

function asVector(tensor: tf.Tensor | undefined): tf.Tensor1D {
  if (tensor === undefined || !isVector(tensor)) throw new RangeError(`[${tensor?.shape}] is no vector`);
  return tensor;
}

function isMatrix(tensor: tf.Tensor): tensor is tf.Tensor2D {
  return tensor.rank === 2;
}

function isVector(tensor: tf.Tensor): tensor is tf.Tensor1D {
  return tensor.rank === 1;
}
