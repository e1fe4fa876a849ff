import type * as tf from '@tensorflow/tfjs-core';

/** The sampled tokens of a micro-batch, laid end to end; all [M] float32. */
export interface PolicyLossInput {
  /** Under the weights being trained; the only input with a gradient. */
  readonly logProbs: tf.Tensor1D;
  readonly oldLogProbs: tf.Tensor1D;
  readonly advantages: tf.Tensor1D;
}

export interface PolicyLossOutput {
  /** [M], before aggregation. */
  readonly losses: tf.Tensor1D;
  /** [M] each; the trainer reports their means over tokens under these names. */
  readonly metrics: { readonly [name: string]: tf.Tensor1D };
}

/** A pure function from log-probs to one loss a token; aggregation is the trainer's. */
export type PolicyLoss<Settings> = (input: PolicyLossInput, settings: Settings) => PolicyLossOutput;
