import * as tf from '@tensorflow/tfjs-core';
import { type RotaryTable, rotaryTable } from '../tensor/rotary.js';
import type { TextFiles } from '../text/text-files.js';
import { decoderConfig } from './architectures/architectures.js';
import type { ModelConfig } from './config.js';
import type { DecoderConfig } from './decoder-config.js';
import { freshHfConfig } from './fresh-config.js';
import { initialWeights } from './initial-weights.js';
import { type LoraConfig, loraScale } from './lora/lora-config.js';
import { initialLora } from './lora/lora-weights.js';
import { rotaryFrequencies } from './rotary-frequencies.js';
import { Weights } from './weights.js';

export interface PolicyOptions {
  /** Longest context in tokens; that of the model when left out. */
  readonly contextLength?: number;
  /** Keep only each layer's input for the gradient. */
  readonly enableGradientCheckpointing?: boolean;
  /** Where adapters are trained instead of the weights. */
  readonly lora?: LoraConfig;
  /** What is written beside the weights so that others can load them. */
  readonly papers?: ModelPapers;
}

/** What a checkpoint says of itself beside its weights. */
export interface ModelPapers {
  /** Content of config.json. */
  readonly config: { readonly [key: string]: unknown };
  readonly text: TextFiles | undefined;
  /** Where frozen weights came from. */
  readonly source: string;
}

/** The one set of weights that engine and trainer of a process share: what one updates, the other samples from. */
export class Policy implements Disposable {
  readonly config: DecoderConfig;
  readonly weights: Weights;
  /** Angles of all positions the context has, one table for each of `config.rotaries`. */
  readonly rotaryTables: readonly RotaryTable[];
  readonly contextLength: number;
  readonly enableGradientCheckpointing: boolean;
  readonly lora: LoraConfig | undefined;
  readonly papers: ModelPapers | undefined;
  /** Number of the current weights; grows with every update. */
  version = 0;

  /** Owns the weights. */
  constructor(config: DecoderConfig, weights: Weights, options: PolicyOptions = {}) {
    this.config = config;
    this.weights = weights;
    this.contextLength = options.contextLength ?? config.maxPositionEmbeddings;
    this.enableGradientCheckpointing = options.enableGradientCheckpointing ?? false;
    this.lora = options.lora;
    this.papers = options.papers;
    this.rotaryTables = config.rotaries.map((rotary) =>
      rotaryTable(this.contextLength, rotaryFrequencies(config.headDim, rotary)),
    );
  }

  /** Fresh weights; with a loraRank, fresh adapters on top of them. */
  static fresh(model: ModelConfig, vocabSize: number, seed: number, text?: TextFiles): Policy {
    const papers = { config: freshHfConfig(model, vocabSize), text, source: 'a fresh model' };
    const config = decoderConfig(papers.config, papers.source);
    const weights = initialWeights(config, seed);
    const { enableGradientCheckpointing } = model;
    if (model.loraRank === 0) return new Policy(config, weights, { enableGradientCheckpointing, papers });
    const frozen = new Map(weights.names.map((name) => [name, weights.get(name)]));
    const adapted = new Weights(initialLora(config, model, seed), frozen);
    return new Policy(config, adapted, { enableGradientCheckpointing, papers, lora: model });
  }

  get vocabSize(): number {
    return this.config.vocabSize;
  }

  /** What adapters are multiplied by; 0 where there are none. */
  get loraScale(): number {
    return this.lora === undefined ? 0 : loraScale(this.lora);
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
    for (const { cos, sin } of this.rotaryTables) tf.dispose([cos, sin]);
  }
}
