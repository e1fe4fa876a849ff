import type { DecoderConfig, ModelType } from '../decoder-config.js';
import type { HfConfig, HfRope } from './hf-config.js';

/** What a family's config.json means where it is silent, and what sets the family apart. */
export interface Architecture {
  readonly modelType: ModelType;
  /** What transformers takes for fields that the file leaves out; files of some families leave out all that is usual. */
  readonly defaults: Partial<HfConfig>;
  /** The parts that are not every family's, besides rotary embeddings and windows. */
  traits(config: HfConfig): Partial<Traits>;
  /** Which layers see a window only; their rotary embedding may be another one. */
  windows(config: HfConfig): Windows;
}

/** Absent ones are 0, 1 or false, the scale of attention 1 / sqrt(D). */
export type Traits = Pick<
  DecoderConfig,
  | 'normOffset'
  | 'biases'
  | 'hasHeadNorms'
  | 'hasSandwichNorms'
  | 'embeddingScale'
  | 'attentionScale'
  | 'attnLogitSoftcapping'
  | 'finalLogitSoftcapping'
>;

export interface Windows {
  /** Positions a sliding layer sees; 0 where there is no such layer. */
  readonly window: number;
  isSliding(layer: number): boolean;
  /** Rotary parameters of sliding layers where they have their own. */
  readonly slidingRope?: HfRope;
}

/** No layer has a window. */
export const fullAttention: Windows = { window: 0, isSliding: () => false };
