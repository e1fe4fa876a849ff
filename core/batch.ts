import * as tf from '@tensorflow/tfjs-core';
import { assert } from './errors.js';
import { sampledCount } from './experience.js';
import type { TrainSequence } from './types.js';

/** A training sequence and what each of its sampled tokens weighs in the mini-batch's loss. */
export interface WeightedSequence {
  readonly sequence: TrainSequence;
  readonly weight: number;
}

/** Tokens a forward pass computes of a sequence: those up to the last one that predicts a sampled token. */
export function computedLength({ mask }: Pick<TrainSequence, 'mask'>): number {
  return Math.max(0, mask.lastIndexOf(1));
}

/**
 * S sequences packed end to end without padding: N computed tokens of which M predict a sampled one. A token is predicted by the
 * position before it, so position 0 is never a target, and what follows the last predictor is left out.
 */
export class Batch implements Disposable {
  /** [N] int32 */
  readonly tokens: tf.Tensor1D;
  /** [N] int32: position of each token in its sequence. */
  readonly positions: tf.Tensor1D;
  /** [S + 1]: sequence s is the tokens from offsets[s] up to offsets[s + 1]. */
  readonly offsets: Int32Array;
  /** [M] int32: index into N of the token that predicts each target. */
  readonly predictors: tf.Tensor1D;
  /** [M] int32 */
  readonly targets: tf.Tensor1D;
  /** [M] float32 each */
  readonly oldLogProbs: tf.Tensor1D;
  readonly advantages: tf.Tensor1D;
  readonly weights: tf.Tensor1D;

  constructor(members: readonly WeightedSequence[]) {
    const packed = new PackedColumns(members);
    this.offsets = packed.offsets;
    this.tokens = tf.tensor1d(packed.tokens, 'int32');
    this.positions = tf.tensor1d(packed.positions, 'int32');
    this.predictors = tf.tensor1d(packed.predictors, 'int32');
    this.targets = tf.tensor1d(packed.targets, 'int32');
    this.oldLogProbs = tf.tensor1d(packed.oldLogProbs);
    this.advantages = tf.tensor1d(packed.advantages);
    this.weights = tf.tensor1d(packed.weights);
  }

  [Symbol.dispose](): void {
    tf.dispose([this.tokens, this.positions, this.predictors, this.targets]);
    tf.dispose([this.oldLogProbs, this.advantages, this.weights]);
  }
}

/** A batch's columns in the memory of JavaScript. */
class PackedColumns {
  readonly offsets: Int32Array;
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  readonly predictors: Int32Array;
  readonly targets: Int32Array;
  readonly oldLogProbs: Float32Array;
  readonly advantages: Float32Array;
  readonly weights: Float32Array;
  #sampled = 0;

  constructor(members: readonly WeightedSequence[]) {
    const computed = members.reduce((sum, { sequence }) => sum + computedLength(sequence), 0);
    const sampled = members.reduce((sum, { sequence }) => sum + sampledCount(sequence), 0);
    this.offsets = new Int32Array(members.length + 1);
    [this.tokens, this.positions] = [new Int32Array(computed), new Int32Array(computed)];
    [this.predictors, this.targets] = [new Int32Array(sampled), new Int32Array(sampled)];
    this.oldLogProbs = new Float32Array(sampled);
    this.advantages = new Float32Array(sampled);
    this.weights = new Float32Array(sampled);
    for (const [s, member] of members.entries()) this.#add(s, member);
  }

  #add(s: number, { sequence, weight }: WeightedSequence): void {
    checkLengths(sequence);
    const first = this.offsets[s] ?? 0;
    const length = computedLength(sequence);
    for (let t = 0; t < length; t++) {
      this.tokens[first + t] = sequence.tokens[t] ?? 0;
      this.positions[first + t] = t;
    }
    this.offsets[s + 1] = first + length;
    for (let t = 0; t <= length; t++) if (sequence.mask[t] === 1) this.#addTarget(sequence, t, { first, weight });
  }

  #addTarget(sequence: TrainSequence, t: number, { first, weight }: { first: number; weight: number }): void {
    assert(t > 0, 'the first token of a sequence cannot be a sampled one');
    const [old, advantage] = [sequence.logprobs[t] ?? 0, sequence.advantages[t] ?? 0];
    assert(
      Number.isFinite(old) && Number.isFinite(advantage),
      `log-prob ${old} or advantage ${advantage} of token ${t} is not finite`,
    );
    const i = this.#sampled++;
    this.predictors[i] = first + t - 1;
    this.targets[i] = sequence.tokens[t] ?? 0;
    this.oldLogProbs[i] = old;
    this.advantages[i] = advantage;
    this.weights[i] = weight;
  }
}

function checkLengths({ tokens, mask, logprobs, advantages }: TrainSequence): void {
  assert(
    mask.length === tokens.length && logprobs.length === tokens.length && advantages.length === tokens.length,
    `tokens ${tokens.length}, mask ${mask.length}, logprobs ${logprobs.length} and advantages ${advantages.length} differ in length`,
  );
}
