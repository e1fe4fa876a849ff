import * as tf from '@tensorflow/tfjs-core';
import { assert } from './errors.js';
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
    const packed = new PackedColumns(members.length);
    for (const [s, member] of members.entries()) packed.add(s, member);
    const ints = (values: readonly number[]): tf.Tensor1D => tf.tensor1d(Int32Array.from(values), 'int32');
    const floats = (values: readonly number[]): tf.Tensor1D => tf.tensor1d(Float32Array.from(values));
    this.offsets = packed.offsets;
    this.tokens = ints(packed.tokens);
    this.positions = ints(packed.positions);
    this.predictors = ints(packed.predictors);
    this.targets = ints(packed.targets);
    this.oldLogProbs = floats(packed.oldLogProbs);
    this.advantages = floats(packed.advantages);
    this.weights = floats(packed.weights);
  }

  [Symbol.dispose](): void {
    tf.dispose([this.tokens, this.positions, this.predictors, this.targets]);
    tf.dispose([this.oldLogProbs, this.advantages, this.weights]);
  }
}

/** A batch's columns while they grow. */
class PackedColumns {
  readonly offsets: Int32Array;
  readonly tokens: number[] = [];
  readonly positions: number[] = [];
  readonly predictors: number[] = [];
  readonly targets: number[] = [];
  readonly oldLogProbs: number[] = [];
  readonly advantages: number[] = [];
  readonly weights: number[] = [];

  constructor(sequences: number) {
    this.offsets = new Int32Array(sequences + 1);
  }

  add(s: number, { sequence, weight }: WeightedSequence): void {
    checkLengths(sequence);
    const first = this.tokens.length;
    const length = computedLength(sequence);
    for (let t = 0; t < length; t++) {
      this.tokens.push(sequence.tokens[t] ?? 0);
      this.positions.push(t);
    }
    this.offsets[s + 1] = first + length;
    for (const [t, target] of sequence.tokens.entries()) {
      if (sequence.mask[t] !== 1) continue;
      assert(t > 0, 'the first token of a sequence cannot be a sampled one');
      const [old, advantage] = [sequence.logprobs[t] ?? 0, sequence.advantages[t] ?? 0];
      assert(
        Number.isFinite(old) && Number.isFinite(advantage),
        `log-prob ${old} or advantage ${advantage} of token ${t} is not finite`,
      );
      this.predictors.push(first + t - 1);
      this.targets.push(target);
      this.oldLogProbs.push(old);
      this.advantages.push(advantage);
      this.weights.push(weight);
    }
  }
}

function checkLengths({ tokens, mask, logprobs, advantages }: TrainSequence): void {
  assert(
    mask.length === tokens.length && logprobs.length === tokens.length && advantages.length === tokens.length,
    `tokens ${tokens.length}, mask ${mask.length}, logprobs ${logprobs.length} and advantages ${advantages.length} differ in length`,
  );
}
