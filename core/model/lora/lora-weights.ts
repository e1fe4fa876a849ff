import * as tf from '@tensorflow/tfjs-core';
import { Rng, rngKey } from '../../rng.js';
import type { DecoderConfig } from '../decoder-config.js';
import { layerPrefix, projections } from '../weight-shapes.js';
import { type LoraConfig, loraTargets } from './lora-config.js';

/** The two factors of an adapter, by what stands before them: `model.layers.0.self_attn.q_proj`. */
export function loraNames(projection: string): { readonly a: string; readonly b: string } {
  return { a: `${projection}.lora_A.weight`, b: `${projection}.lora_B.weight` };
}

/** Names and shapes of all adapters: A [r, In] and B [Out, r] of each target. */
export function loraShapes(config: DecoderConfig, lora: LoraConfig): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const all = projections(config);
  const targets = loraTargets(config, lora);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    for (const target of targets) {
      const projection = all.get(target);
      if (projection === undefined) continue;
      const { a, b } = loraNames(`${layerPrefix(layer)}${target}`);
      shapes.set(a, [lora.loraRank, projection.in]);
      shapes.set(b, [projection.out, lora.loraRank]);
    }
  }
  return shapes;
}

/** Fresh adapters, which change nothing yet: A uniform in ±1 / sqrt(In), as PEFT draws it, B 0. Equal seed, equal adapters. */
export function initialLora(config: DecoderConfig, lora: LoraConfig, seed: number): Map<string, tf.Variable> {
  const variables = new Map<string, tf.Variable>();
  for (const [name, shape] of loraShapes(config, lora)) {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (name.endsWith('lora_A.weight')) {
      const bound = 1 / Math.sqrt(shape[1] ?? 1);
      const rng = new Rng(rngKey(seed, 'lora', name));
      for (let i = 0; i < values.length; i++) values[i] = bound * (2 * rng.float() - 1);
    }
    variables.set(
      name,
      tf.tidy(() => tf.variable(tf.tensor(values, [...shape]), true)),
    );
  }
  return variables;
}
