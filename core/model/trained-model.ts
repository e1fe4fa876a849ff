import * as tf from '@tensorflow/tfjs-core';
import { AdamW } from '../tensor/adamw.js';
import type { DecoderParts } from './decoder-pass.js';
import type { Policy } from './policy.js';
import { Weights } from './weights.js';

/** What a model file of a checkpoint is made of. */
export interface StoredModel {
  /** What is trained of it is in the file. */
  readonly weights: Weights;
  /** Not there where the weights are frozen. */
  readonly optimizer?: AdamW;
  /** What is trained are adapters over weights that have a file of their own elsewhere. */
  readonly isAdapter?: boolean;
}

/** Name of the weight that turns a token's hidden state into its value. */
export const valueHeadName = 'score.weight';

/**
 * What KL penalties are measured against: a frozen copy of a policy's weights as they are now, or, where a policy trains adapters, its weights
 * without them, of which there is no copy.
 */
export class ReferenceModel implements StoredModel, Disposable {
  readonly weights: Weights;
  readonly parts: DecoderParts;

  constructor(policy: Policy) {
    this.weights = policy.lora === undefined ? policy.weights.fork() : policy.weights.withoutTrained();
    this.parts = partsOf(policy, this.weights);
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
  }
}

/** A head of one output on a trunk. */
export interface ValueParts {
  readonly parts: DecoderParts;
  /** [1, C] */
  readonly head: tf.Tensor2D;
}

/** A reward model that stays as it is: of the policy's shape, the head 0 until weights are loaded into it. */
export class FrozenRewardModel implements StoredModel, ValueParts, Disposable {
  readonly weights: Weights;
  readonly parts: DecoderParts;

  constructor(policy: Policy) {
    this.weights = policy.weights.fork(new Map([[valueHeadName, freshHead(policy)]]));
    this.parts = partsOf(policy, this.weights);
  }

  get head(): tf.Tensor2D {
    return this.weights.matrix(valueHeadName);
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
  }
}

/** A trained copy of a policy: an implicit process reward model. */
export class TrainedCopy implements StoredModel, Disposable {
  readonly weights: Weights;
  readonly optimizer: AdamW;
  readonly parts: DecoderParts;

  constructor(policy: Policy) {
    this.weights = policy.weights.fork();
    this.optimizer = new AdamW(this.weights.variables);
    this.parts = partsOf(policy, this.weights);
  }

  [Symbol.dispose](): void {
    this.optimizer[Symbol.dispose]();
    this.weights[Symbol.dispose]();
  }
}

/**
 * A critic or a reward model: a head of one output, which begins at 0, on a trunk of its own, which begins as a copy of the policy's, or on the
 * policy's own. `weights` and `optimizer` are of what belongs to the critic alone.
 */
export class ValueModel implements StoredModel, ValueParts, Disposable {
  readonly weights: Weights;
  readonly optimizer: AdamW;
  readonly parts: DecoderParts;
  readonly isShared: boolean;

  constructor(policy: Policy, trunk: 'own' | 'shared') {
    this.isShared = trunk === 'shared';
    const head = freshHead(policy);
    const own = new Map([[valueHeadName, head]]);
    this.weights = this.isShared ? new Weights(own) : policy.weights.fork(own);
    this.optimizer = new AdamW(this.weights.variables);
    const weights = this.isShared ? policy.weights : this.weights;
    this.parts = partsOf(policy, weights);
  }

  get head(): tf.Tensor2D {
    return this.weights.matrix(valueHeadName);
  }

  [Symbol.dispose](): void {
    this.optimizer[Symbol.dispose]();
    this.weights[Symbol.dispose]();
  }
}

/** [1, C] */
function freshHead({ config }: Policy): tf.Variable {
  return tf.tidy(() => tf.variable(tf.zeros([1, config.hiddenSize]), true));
}

/** The policy's shape with other weights. */
function partsOf(policy: Policy, weights: Weights): DecoderParts {
  const { config, rotaryTables, loraScale, enableGradientCheckpointing } = policy;
  return { config, rotaryTables, loraScale, enableGradientCheckpointing, weights };
}
