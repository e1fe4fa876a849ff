import * as tf from '@tensorflow/tfjs-core';
import { checkpointed } from '../tensor/checkpointed.js';
import { embedding } from '../tensor/embedding.js';
import { rmsNorm } from '../tensor/rms-norm.js';
import { decoderLayer } from './decoder-layer.js';
import type { DecoderParts, DecoderPass } from './decoder-pass.js';
import { embeddingName, layerPrefix } from './weight-shapes.js';

/**
 * Decoder-only transformer: embedding, layers, a last RMSNorm. What differs between families stands in the config.
 * @returns [N, C] float32, after the last norm: what the head reads
 */
export function decoder(parts: DecoderParts, pass: DecoderPass): tf.Tensor2D {
  const { config, weights } = parts;
  return tf.tidy(() => {
    let x = embedded(parts, pass.tokens); // [N, C]
    for (let layer = 0; layer < config.numHiddenLayers; layer++) {
      const input = x;
      x = tf.tidy(() => runLayer(parts, pass, layer, input)); // what the gradient needs of the layer is kept by its ops
      input.dispose();
    }
    return rmsNorm(x, weights.vector('model.norm.weight'), config.rmsNormEps, config.normOffset);
  });
}

/** [N, C] */
function embedded({ config, weights }: DecoderParts, tokens: tf.Tensor1D): tf.Tensor2D {
  const rows = embedding(weights.matrix(embeddingName), tokens);
  return config.embeddingScale === 1 ? rows : tf.mul(rows, config.embeddingScale);
}

/** A layer as a function of its input and of the weights it trains, so that its gradient can run it again. */
function runLayer(parts: DecoderParts, pass: DecoderPass, layer: number, x: tf.Tensor2D): tf.Tensor2D {
  const prefix = layerPrefix(layer);
  if (!pass.isCheckpointed) {
    return decoderLayer(parts, pass, { layer, x, find: (name) => parts.weights.find(prefix + name) });
  }
  const trained = parts.weights.names.filter((name) => name.startsWith(prefix));
  const run = (input: tf.Tensor2D, ...given: tf.Tensor[]): tf.Tensor2D => {
    const find = (name: string): tf.Tensor | undefined => {
      const index = trained.indexOf(prefix + name);
      return index < 0 ? parts.weights.find(prefix + name) : given[index];
    };
    return decoderLayer(parts, pass, { layer, x: input, find });
  };
  return checkpointed(run)(x, ...trained.map((name) => parts.weights.get(name)));
}
