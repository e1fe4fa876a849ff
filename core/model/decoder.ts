import * as tf from '@tensorflow/tfjs-core';
import { embedding } from '../tensor/embedding.js';
import { linear } from '../tensor/linear.js';
import { rmsNorm } from '../tensor/rms-norm.js';
import { rotary, rotaryTable } from '../tensor/rotary.js';
import { swiglu } from '../tensor/swiglu.js';
import type { ModelConfig } from './config.js';
import type { Weights } from './weights.js';

/**
 * How the tokens of one forward pass see each other and the past.
 * @param q [N, H, D] float32, rotated
 * @param k [N, Hkv, D] float32, rotated
 * @param v [N, Hkv, D] float32
 * @returns [N, H, D] float32
 */
export type Attend = (layer: number, q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => tf.Tensor3D;

/**
 * Decoder-only transformer of Qwen3's shape: pre-RMSNorm, rotary embedding, RMSNorm on each query and key head, grouped-query
 * attention, SwiGLU, head tied to the embedding. Runs on N tokens laid end to end; `attend` knows which belong together.
 * @param tokens [N] int32
 * @param positions absolute position of each token in its sequence
 * @returns [N, C] float32, after the last norm: what the head reads
 */
export function decoder(
  { config, weights }: { config: ModelConfig; weights: Weights },
  tokens: tf.Tensor1D,
  positions: readonly number[],
  attend: Attend,
): tf.Tensor2D {
  const longest = positions.reduce((longest, position) => Math.max(longest, position + 1), 0);
  const table = rotaryTable(longest, config.headDim, config.ropeTheta);
  const places = tf.tensor1d(Int32Array.from(positions), 'int32'); // [N]
  const rotate = (heads: tf.Tensor3D): tf.Tensor3D => rotary(heads, table, places);
  let x = embedding(weights.matrix('model.embed_tokens.weight'), tokens); // [N, C]
  for (let layer = 0; layer < config.numHiddenLayers; layer++)
    x = decoderLayer(config, weights, layer, x, rotate, attend);
  return rmsNorm(x, weights.vector('model.norm.weight'), config.rmsNormEps);
}

function decoderLayer(
  config: ModelConfig,
  weights: Weights,
  layer: number,
  x: tf.Tensor2D,
  rotate: (heads: tf.Tensor3D) => tf.Tensor3D,
  attend: Attend,
): tf.Tensor2D {
  const matrix = (name: string): tf.Tensor2D => weights.matrix(`model.layers.${layer}.${name}.weight`);
  const norm = (input: tf.Tensor2D, name: string): tf.Tensor2D =>
    rmsNorm(input, weights.vector(`model.layers.${layer}.${name}.weight`), config.rmsNormEps);
  const heads = (input: tf.Tensor2D): tf.Tensor3D => tf.reshape(input, [x.shape[0], -1, config.headDim]); // [N, H, D]
  const normHeads = (input: tf.Tensor2D, name: string): tf.Tensor3D =>
    tf.reshape(norm(tf.reshape(input, [-1, config.headDim]), name), [x.shape[0], -1, config.headDim]); // [N, H, D]

  const attentionInput = norm(x, 'input_layernorm'); // [N, C]
  const q = rotate(normHeads(linear(attentionInput, matrix('self_attn.q_proj')), 'self_attn.q_norm')); // [N, H, D]
  const k = rotate(normHeads(linear(attentionInput, matrix('self_attn.k_proj')), 'self_attn.k_norm')); // [N, Hkv, D]
  const v = heads(linear(attentionInput, matrix('self_attn.v_proj'))); // [N, Hkv, D]
  const attended: tf.Tensor2D = tf.reshape(attend(layer, q, k, v), [x.shape[0], -1]); // [N, H*D]
  const afterAttention: tf.Tensor2D = tf.add(x, linear(attended, matrix('self_attn.o_proj'))); // [N, C]

  const mlpInput = norm(afterAttention, 'post_attention_layernorm'); // [N, C]
  const activated = swiglu(linear(mlpInput, matrix('mlp.gate_proj')), linear(mlpInput, matrix('mlp.up_proj'))); // [N, F]
  return tf.add(afterAttention, linear(activated, matrix('mlp.down_proj')));
}
