import * as tf from '@tensorflow/tfjs-core';
import { assert } from './errors.js';
import { sampledCount } from './trajectories.js';
import type { TrainSequence } from './types.js';

/** A training sequence and what each of its sampled tokens weighs in the mini-batch's loss. */
export interface WeightedSequence {
  readonly sequence: TrainSequence;
  readonly weight: number;
  /** The same for terms beside the main loss, where they are aggregated in another way. */
  readonly termWeight?: number;
  /** What the loss made of the whole mini-batch: one entry a sampled token. */
  readonly prepared?: Float32Array;
}

/** Tokens a forward pass computes of a sequence: those up to the last one that predicts a sampled token. */
export function computedLength({ mask }: Pick<TrainSequence, 'mask'>): number {
  return Math.max(0, mask.lastIndexOf(1));
}

/** What a batch holds of each sampled token, float32; what a sequence does not have is 0, or 1 for a factor. */
const columns = {
  oldLogProbs: ({ logprobs }, t) => logprobs[t],
  advantages: ({ advantages }, t) => advantages[t],
  refLogProbs: ({ refLogprobs }, t) => (refLogprobs === undefined ? 0 : refLogprobs[t]),
  rolloutIsWeights: ({ rolloutIsWeights }, t) => (rolloutIsWeights === undefined ? 1 : rolloutIsWeights[t]),
  isOffPolicy: ({ isOffPolicy }) => (isOffPolicy === true ? 1 : 0),
  values: ({ values }, t) => (values === undefined ? 0 : values[t]),
  returns: ({ returns }, t) => (returns === undefined ? 0 : returns[t]),
} as const satisfies { readonly [name: string]: (sequence: TrainSequence, t: number) => number | undefined };

type Column = keyof typeof columns;

const columnNames = [
  'oldLogProbs',
  'advantages',
  'refLogProbs',
  'rolloutIsWeights',
  'isOffPolicy',
  'values',
  'returns',
] as const satisfies readonly Column[];

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
  /** [M] int32, ascending: which of the sequences each target belongs to. */
  readonly segments: tf.Tensor1D;
  /** S */
  readonly segmentCount: number;
  /** [M] float32 each: the loss is the sum of token losses times `weights`. */
  readonly weights: tf.Tensor1D;
  readonly termWeights: tf.Tensor1D;
  readonly prepared: tf.Tensor1D;
  readonly oldLogProbs: tf.Tensor1D;
  readonly advantages: tf.Tensor1D;
  readonly refLogProbs: tf.Tensor1D;
  readonly rolloutIsWeights: tf.Tensor1D;
  readonly isOffPolicy: tf.Tensor1D;
  readonly values: tf.Tensor1D;
  readonly returns: tf.Tensor1D;

  constructor(members: readonly WeightedSequence[]) {
    const packed = new PackedColumns(members);
    this.offsets = packed.offsets;
    this.segmentCount = members.length;
    this.tokens = tf.tensor1d(packed.tokens, 'int32');
    this.positions = tf.tensor1d(packed.positions, 'int32');
    this.predictors = tf.tensor1d(packed.predictors, 'int32');
    this.targets = tf.tensor1d(packed.targets, 'int32');
    this.segments = tf.tensor1d(packed.segments, 'int32');
    this.weights = tf.tensor1d(packed.weights);
    this.termWeights = tf.tensor1d(packed.termWeights);
    this.prepared = tf.tensor1d(packed.prepared);
    const { values } = packed;
    this.oldLogProbs = tf.tensor1d(values.oldLogProbs);
    this.advantages = tf.tensor1d(values.advantages);
    this.refLogProbs = tf.tensor1d(values.refLogProbs);
    this.rolloutIsWeights = tf.tensor1d(values.rolloutIsWeights);
    this.isOffPolicy = tf.tensor1d(values.isOffPolicy);
    this.values = tf.tensor1d(values.values);
    this.returns = tf.tensor1d(values.returns);
  }

  [Symbol.dispose](): void {
    tf.dispose([this.tokens, this.positions, this.predictors, this.targets, this.segments]);
    tf.dispose([this.weights, this.termWeights, this.prepared, ...columnNames.map((name) => this[name])]);
  }
}

/** A batch's columns in the memory of JavaScript. */
class PackedColumns {
  readonly offsets: Int32Array;
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  readonly predictors: Int32Array;
  readonly targets: Int32Array;
  readonly segments: Int32Array;
  readonly weights: Float32Array;
  readonly termWeights: Float32Array;
  readonly prepared: Float32Array;
  readonly values: { readonly [name in Column]: Float32Array };
  #sampled = 0;

  constructor(members: readonly WeightedSequence[]) {
    const computed = members.reduce((sum, { sequence }) => sum + computedLength(sequence), 0);
    const sampled = members.reduce((sum, { sequence }) => sum + sampledCount(sequence), 0);
    const floats = (): Float32Array => new Float32Array(sampled);
    this.offsets = new Int32Array(members.length + 1);
    [this.tokens, this.positions] = [new Int32Array(computed), new Int32Array(computed)];
    [this.predictors, this.targets] = [new Int32Array(sampled), new Int32Array(sampled)];
    this.segments = new Int32Array(sampled);
    [this.weights, this.termWeights, this.prepared] = [floats(), floats(), floats()];
    this.values = {
      oldLogProbs: floats(),
      advantages: floats(),
      refLogProbs: floats(),
      rolloutIsWeights: floats(),
      isOffPolicy: floats(),
      values: floats(),
      returns: floats(),
    };
    for (const [s, member] of members.entries()) this.#add(s, member);
  }

  #add(s: number, { sequence, weight, termWeight = weight, prepared }: WeightedSequence): void {
    checkLengths(sequence);
    const first = this.offsets[s] ?? 0;
    const length = computedLength(sequence);
    for (let t = 0; t < length; t++) {
      this.tokens[first + t] = sequence.tokens[t] ?? 0;
      this.positions[first + t] = t;
    }
    this.offsets[s + 1] = first + length;
    const before = this.#sampled;
    for (let t = 0; t <= length; t++) if (sequence.mask[t] === 1) this.#addTarget(sequence, t, first);
    this.segments.fill(s, before, this.#sampled);
    this.weights.fill(weight, before, this.#sampled);
    this.termWeights.fill(termWeight, before, this.#sampled);
    if (prepared !== undefined) this.prepared.set(prepared, before);
  }

  #addTarget(sequence: TrainSequence, t: number, first: number): void {
    assert(t > 0, 'the first token of a sequence cannot be a sampled one');
    const i = this.#sampled++;
    this.predictors[i] = first + t - 1;
    this.targets[i] = sequence.tokens[t] ?? 0;
    for (const name of columnNames) {
      const value = columns[name](sequence, t) ?? Number.NaN;
      assert(Number.isFinite(value), `${name} of token ${t} is ${value}, not finite`);
      this.values[name][i] = value;
    }
  }
}

function checkLengths({ tokens, mask, logprobs, advantages }: TrainSequence): void {
  assert(
    mask.length === tokens.length && logprobs.length === tokens.length && advantages.length === tokens.length,
    `tokens ${tokens.length}, mask ${mask.length}, logprobs ${logprobs.length} and advantages ${advantages.length} differ in length`,
  );
}
