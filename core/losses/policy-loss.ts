import type * as tf from '@tensorflow/tfjs-core';
import type { Rng } from '../rng.js';
import type { LossAggMode } from './aggregate.js';

/** The sampled tokens of a micro-batch of S whole sequences, laid end to end; all [M], float32 unless said. */
export interface PolicyLossInput {
  /** Under the weights being trained; the only input with a gradient. */
  readonly logProbs: tf.Tensor1D;
  /** What the ratio is taken against: the policy's at the start of the update. */
  readonly oldLogProbs: tf.Tensor1D;
  readonly advantages: tf.Tensor1D;
  /** int32, ascending: which sequence of the micro-batch, in [0, S), a token belongs to. */
  readonly segments: tf.Tensor1D;
  /** S */
  readonly segmentCount: number;
  /** 1 on tokens that an expert wrote, 0 on the policy's own. */
  readonly isOffPolicy: tf.Tensor1D;
  /** Importance weights of rollout correction, 1 where there is none; the trainer multiplies the losses unless the row weighs itself. */
  readonly rolloutIsWeights: tf.Tensor1D;
  /** What `prepare` made of the whole mini-batch, for these tokens; 0 where the row has no `prepare`. */
  readonly prepared: tf.Tensor1D;
}

export interface PolicyLossOutput {
  /** [M], before aggregation. */
  readonly losses: tf.Tensor1D;
  /** [M] each; the trainer reports their means over tokens under these names. */
  readonly metrics: { readonly [name: string]: tf.Tensor1D };
}

/** A pure function from log-probs to one loss a token; aggregation is the trainer's. */
export type PolicyLoss<Settings> = (input: PolicyLossInput, settings: Settings) => PolicyLossOutput;

/** The sampled tokens of a whole mini-batch, sequence after sequence, [M] each, under the weights its step starts from. */
export interface PreparedMiniBatch {
  readonly logProbs: Float32Array;
  readonly oldLogProbs: Float32Array;
  readonly advantages: Float32Array;
  /** NaN where there is no reference policy. */
  readonly refLogProbs: Float32Array;
  /** Which sequence of the mini-batch a token belongs to, ascending from 0. */
  readonly segments: Int32Array;
  /** [S]: the task that a sequence was sampled for. */
  readonly groups: Int32Array;
}

/** What a row of the table of losses says besides its function and settings. */
export interface PolicyLossTraits<Settings> {
  /** The paper's own aggregation, instead of the configured one. */
  readonly lossAggMode?: LossAggMode;
  /** The loss multiplies by `rolloutIsWeights` itself. */
  readonly weighsItself?: boolean;
  /**
   * What depends on tokens of other sequences: computed once an optimizer step from the whole mini-batch, which costs a forward pass,
   * so that the loss does not depend on how it is cut into micro-batches. One number a token.
   */
  prepare?(miniBatch: PreparedMiniBatch, settings: Settings, rng: Rng): Float32Array;
  /** Numbers of a whole mini-batch that are no means over tokens, reported as they are; for rows with `prepare`, at the same time. */
  miniBatchMetrics?(miniBatch: PreparedMiniBatch, settings: Settings): { readonly [name: string]: number };
  /** Its gradient is not 0 where the advantage is. */
  readonly learnsWithoutAdvantage?: boolean;
  /** Members of a group stay in one mini-batch. */
  readonly keepsGroups?: boolean;
  /** Log-probs of the reference policy are needed. */
  readonly needsReference?: boolean;
}
