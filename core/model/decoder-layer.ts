import * as tf from '@tensorflow/tfjs-core';
import { geglu } from '../tensor/geglu.js';
import { linear } from '../tensor/linear.js';
import { linearLora } from '../tensor/linear-lora.js';
import { residual } from '../tensor/residual.js';
import { rmsNorm } from '../tensor/rms-norm.js';
import { rotary } from '../tensor/rotary.js';
import { swiglu } from '../tensor/swiglu.js';
import type { DecoderParts, DecoderPass } from './decoder-pass.js';
import { loraNames } from './lora/lora-weights.js';
import { isMatrix, isVector } from './tensor-ranks.js';

/** One layer's place, input and weights. */
export interface LayerInput {
  readonly layer: number;
  /** [N, C] float32 */
  readonly x: tf.Tensor2D;
  /** The layer's weight by what stands behind `model.layers.N.`; undefined where the model has none of that name. */
  find(name: string): tf.Tensor | undefined;
}

/**
 * Attention and feed-forward, each behind an RMSNorm and added to what went in; with sandwich norms, each through another RMSNorm before it is
 * added.
 * @returns [N, C] float32
 */
export function decoderLayer(parts: DecoderParts, pass: DecoderPass, input: LayerInput): tf.Tensor2D {
  const layer = new Layer(parts, pass, input);
  const { hasSandwichNorms } = parts.config;
  const attended = layer.attention(layer.norm(input.x, 'input_layernorm')); // [N, C]
  const afterAttention = residual(
    input.x,
    hasSandwichNorms ? layer.norm(attended, 'post_attention_layernorm') : attended,
  ); // [N, C]
  const mlpNorm = hasSandwichNorms ? 'pre_feedforward_layernorm' : 'post_attention_layernorm';
  const fed = layer.feedForward(layer.norm(afterAttention, mlpNorm)); // [N, C]
  return residual(afterAttention, hasSandwichNorms ? layer.norm(fed, 'post_feedforward_layernorm') : fed);
}

class Layer {
  readonly #parts: DecoderParts;
  readonly #pass: DecoderPass;
  readonly #input: LayerInput;

  constructor(parts: DecoderParts, pass: DecoderPass, input: LayerInput) {
    this.#parts = parts;
    this.#pass = pass;
    this.#input = input;
  }

  /** [N, C] -> [N, C] */
  norm(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const { rmsNormEps, normOffset } = this.#parts.config;
    return rmsNorm(x, this.#vector(`${name}.weight`), rmsNormEps, normOffset);
  }

  /** [N, C] -> [N, C] */
  attention(x: tf.Tensor2D): tf.Tensor2D {
    const { headDim, numAttentionHeads, numKeyValueHeads } = this.#parts.config;
    const rows = x.shape[0];
    const q = this.#rotatedHeads(this.#project(x, 'self_attn.q_proj'), 'self_attn.q_norm', numAttentionHeads); // [N, H, D]
    const k = this.#rotatedHeads(this.#project(x, 'self_attn.k_proj'), 'self_attn.k_norm', numKeyValueHeads); // [N, Hkv, D]
    const v: tf.Tensor3D = tf.reshape(this.#project(x, 'self_attn.v_proj'), [rows, numKeyValueHeads, headDim]); // [N, Hkv, D]
    const attended = this.#pass.attend(this.#input.layer, { q, k, v }, this.#rules()); // [N, H, D]
    return this.#project(tf.reshape(attended, [rows, numAttentionHeads * headDim]), 'self_attn.o_proj');
  }

  /** [N, C] -> [N, C] */
  feedForward(x: tf.Tensor2D): tf.Tensor2D {
    const [gate, up] = [this.#project(x, 'mlp.gate_proj'), this.#project(x, 'mlp.up_proj')]; // [N, F]
    const activate = this.#parts.config.hiddenAct === 'silu' ? swiglu : geglu;
    return this.#project(activate(gate, up), 'mlp.down_proj');
  }

  #rules() {
    const { attentionScale: scale, attnLogitSoftcapping: softcap, layers } = this.#parts.config;
    return { scale, softcap, window: layers[this.#input.layer]?.window ?? 0 };
  }

  /** [N, In] -> [N, Out], through the projection and its adapter where there is one. */
  #project(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const found = this.#input.find(`${name}.bias`);
    const bias = found && asVector(found, name);
    const weight = this.#matrix(`${name}.weight`);
    const names = loraNames(name);
    if (this.#input.find(names.a) === undefined) return linear(x, weight, bias);
    const [a, b] = [this.#matrix(names.a), this.#matrix(names.b)];
    return linearLora(x, weight, { a, b, scale: this.#parts.loraScale }, bias);
  }

  /** [N, H D] -> [N, H, D], each head rotated by its position, behind its norm where there is one. */
  #rotatedHeads(x: tf.Tensor2D, normName: string, heads: number): tf.Tensor3D {
    const { headDim, hasHeadNorms, layers } = this.#parts.config;
    const rows = x.shape[0];
    const normed = hasHeadNorms ? this.norm(tf.reshape(x, [rows * heads, headDim]), normName) : x;
    const table = this.#parts.rotaryTables[layers[this.#input.layer]?.rotary ?? 0];
    if (table === undefined) throw new RangeError(`layer ${this.#input.layer} has no rotary embedding`);
    return rotary(tf.reshape(normed, [rows, heads, headDim]), table, this.#pass.positions);
  }

  #matrix(name: string): tf.Tensor2D {
    const tensor = this.#input.find(name);
    if (tensor === undefined || !isMatrix(tensor)) throw new RangeError(`${name} [${tensor?.shape}] is no matrix`);
    return tensor;
  }

  #vector(name: string): tf.Tensor1D {
    return asVector(this.#input.find(name), name);
  }
}

function asVector(tensor: tf.Tensor | undefined, name: string): tf.Tensor1D {
  if (tensor === undefined || !isVector(tensor)) throw new RangeError(`${name} [${tensor?.shape}] is no vector`);
  return tensor;
}
