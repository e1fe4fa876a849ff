import * as tf from '@tensorflow/tfjs-core';
import { type RotaryTable, rotaryTable } from '../tensor/rotary.js';
import type { ModelConfig } from './config.js';
import { initialWeights, type Weights } from './weights.js';

/** The one set of weights that engine and trainer of a process share: what one updates, the other samples from. */
export class Policy implements Disposable {
  readonly config: ModelConfig;
  readonly vocabSize: number;
  readonly weights: Weights;
  /** Angles of all positions the model has. */
  readonly rotaryTable: RotaryTable;
  /** Number of the current weights; grows with every update. */
  version = 0;

  constructor(config: ModelConfig, vocabSize: number, weights: Weights) {
    this.config = config;
    this.vocabSize = vocabSize;
    this.weights = weights;
    this.rotaryTable = rotaryTable(config.maxPositionEmbeddings, config.headDim, config.ropeTheta);
  }

  static fresh(config: ModelConfig, vocabSize: number, seed: number): Policy {
    return new Policy(config, vocabSize, initialWeights(config, vocabSize, seed));
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
    tf.dispose([this.rotaryTable.cos, this.rotaryTable.sin]);
  }
}
