import * as tf from '@tensorflow/tfjs-core';
import { assert } from './errors.js';
import type { TrainSequence } from './types.js';

/** A training sequence and what each of its sampled tokens weighs in the mini-batch's loss. */
export interface WeightedSequence {
  readonly sequence: TrainSequence;
  readonly weight: number;
}

/**
 * Sequences as tensors, B of them padded on the right to the longest T; M = sampled tokens in all.
 * A token is predicted by the position before it, so position 0 is never a target.
 */
export class Batch implements Disposable {
  readonly size: number;
  readonly length: number;
  /** [B*T] int32 */
  readonly tokens: tf.Tensor1D;
  /** Position in its sequence of each of the B*T entries. */
  readonly positions: readonly number[];
  /** [M] int32: index into B*T of the position that predicts each target. */
  readonly predictors: tf.Tensor1D;
  /** [M] int32 */
  readonly targets: tf.Tensor1D;
  /** [M] float32 each */
  readonly oldLogProbs: tf.Tensor1D;
  readonly advantages: tf.Tensor1D;
  readonly weights: tf.Tensor1D;

  constructor(members: readonly WeightedSequence[]) {
    this.size = members.length;
    this.length = Math.max(...members.map(({ sequence }) => sequence.tokens.length));
    const tokens = new Int32Array(this.size * this.length);
    const chosen: { predictor: number; target: number; old: number; advantage: number; weight: number }[] = [];
    for (const [row, { sequence, weight }] of members.entries()) {
      checkLengths(sequence);
      tokens.set(sequence.tokens, row * this.length);
      for (const [t, target] of sequence.tokens.entries()) {
        if (sequence.mask[t] !== 1) continue;
        assert(t > 0, 'the first token of a sequence cannot be a sampled one');
        const [old, advantage] = [sequence.logprobs[t] ?? 0, sequence.advantages[t] ?? 0];
        assert(
          Number.isFinite(old) && Number.isFinite(advantage),
          `log-prob ${old} or advantage ${advantage} of token ${t} is not finite`,
        );
        chosen.push({
          predictor: row * this.length + t - 1,
          target,
          old,
          advantage,
          weight,
        });
      }
    }
    this.positions = Array.from(tokens, (_, i) => i % this.length);
    this.tokens = tf.tensor1d(tokens, 'int32');
    this.predictors = tf.tensor1d(
      Int32Array.from(chosen, ({ predictor }) => predictor),
      'int32',
    );
    this.targets = tf.tensor1d(
      Int32Array.from(chosen, ({ target }) => target),
      'int32',
    );
    this.oldLogProbs = tf.tensor1d(Float32Array.from(chosen, ({ old }) => old));
    this.advantages = tf.tensor1d(Float32Array.from(chosen, ({ advantage }) => advantage));
    this.weights = tf.tensor1d(Float32Array.from(chosen, ({ weight }) => weight));
  }

  [Symbol.dispose](): void {
    tf.dispose([this.tokens, this.predictors, this.targets, this.oldLogProbs, this.advantages, this.weights]);
  }
}

function checkLengths({ tokens, mask, logprobs, advantages }: TrainSequence): void {
  assert(
    mask.length === tokens.length && logprobs.length === tokens.length && advantages.length === tokens.length,
    `tokens ${tokens.length}, mask ${mask.length}, logprobs ${logprobs.length} and advantages ${advantages.length} differ in length`,
  );
}
