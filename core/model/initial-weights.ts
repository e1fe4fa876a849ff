import * as tf from '@tensorflow/tfjs-core';
import { Rng, rngKey } from '../rng.js';
import type { DecoderConfig } from './decoder-config.js';
import { weightShapes } from './weight-shapes.js';
import { Weights } from './weights.js';

/**
 * Fresh weights: normal with `initializerRange`, the projections back into the residual stream scaled down by sqrt(2 layers)
 * (Radford et al. 2019, GPT-2, section 2.3); norms multiply by 1, biases are 0. Equal seed, equal weights on every backend.
 */
export function initialWeights(config: DecoderConfig, seed: number): Weights {
  const variables = new Map<string, tf.Variable>();
  for (const [name, shape] of weightShapes(config)) {
    const isResidual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
    const deviation = config.initializerRange / (isResidual ? Math.sqrt(2 * config.numHiddenLayers) : 1);
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const rng = new Rng(rngKey(seed, 'weights', name));
    if (shape.length === 1) values.fill(name.endsWith('.bias') ? 0 : 1 - config.normOffset);
    else for (let i = 0; i < values.length; i++) values[i] = deviation * rng.normal();
    variables.set(
      name,
      tf.tidy(() => tf.variable(tf.tensor(values, [...shape]), true)),
    );
  }
  return new Weights(variables);
}
