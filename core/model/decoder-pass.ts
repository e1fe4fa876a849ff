import type * as tf from '@tensorflow/tfjs-core';
import type { Attend } from './attend.js';
import type { Policy } from './policy.js';

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

/** What a forward pass reads of a model; adapters take part where the weights have them. */
export type DecoderParts = Pick<
  Policy,
  'config' | 'weights' | 'rotaryTables' | 'loraScale' | 'enableGradientCheckpointing'
>;
