import * as tf from '@tensorflow/tfjs-core';
import type { ChosenPolicyLoss } from '../algorithms.js';
import { Rng } from '../rng.js';
import { variableGradients } from '../tensor/variable-gradients.js';
import { type LossAggMode, tokenWeights } from './aggregate.js';
import type { PolicyLossInput, PreparedMiniBatch } from './policy-loss.js';

/** What a loss sees of a sequence: one entry a sampled token. */
export interface LossSequence {
  readonly logProbs: readonly number[];
  readonly oldLogProbs: readonly number[];
  readonly advantages: readonly number[];
  readonly rolloutIsWeights: readonly number[];
  /** NaN where there is no reference policy. */
  readonly refLogProbs: readonly number[];
  readonly isOffPolicy: boolean;
  /** The task that the sequence was sampled for. */
  readonly group: number;
}

export interface MiniBatchOptions {
  /** Unless the loss has its own. */
  readonly lossAggMode: LossAggMode;
  readonly lossScaleFactor: number;
  /** Sequences computed at once. */
  readonly microBatchSize: number;
  readonly seed: number;
}

export interface MiniBatchLoss {
  readonly loss: number;
  /** d loss / d log-prob of each token of each sequence. */
  readonly gradients: readonly (readonly number[])[];
  /** Means over the tokens. */
  readonly metrics: { readonly [name: string]: number };
}

/** The loss of a mini-batch whose log-probs are given, on the backend in use: an optimizer step without model and optimizer. */
export async function miniBatchLoss(
  chosen: ChosenPolicyLoss,
  sequences: readonly LossSequence[],
  options: MiniBatchOptions,
): Promise<MiniBatchLoss> {
  const counts = sequences.map(({ logProbs }) => logProbs.length);
  const weights = tokenWeights(chosen.lossAggMode ?? options.lossAggMode, counts, options.lossScaleFactor);
  const prepared = split(chosen.prepare?.(preparedMiniBatch(sequences), new Rng(options.seed)), counts);
  const members = sequences.map((sequence, i) => ({
    sequence,
    weight: weights[i] ?? 0,
    prepared: prepared[i] ?? [],
  }));
  const parts: MicroBatchLoss[] = [];
  for (let start = 0; start < members.length; start += options.microBatchSize)
    parts.push(await microBatchLoss(chosen, members.slice(start, start + options.microBatchSize)));
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  return {
    loss: parts.reduce((sum, { loss }) => sum + loss, 0),
    gradients: split(
      parts.flatMap(({ gradient }) => gradient),
      counts,
    ),
    metrics: meansOf(parts, tokens),
  };
}

/** What `prepare` sees of the sequences, in their order. */
export function preparedMiniBatch(sequences: readonly LossSequence[]): PreparedMiniBatch {
  const column = (of: (sequence: LossSequence) => readonly number[]) => Float32Array.from(sequences.flatMap(of));
  return {
    logProbs: column(({ logProbs }) => logProbs),
    oldLogProbs: column(({ oldLogProbs }) => oldLogProbs),
    advantages: column(({ advantages }) => advantages),
    refLogProbs: column(({ refLogProbs }) => refLogProbs),
    segments: Int32Array.from(sequences.flatMap(({ logProbs }, s) => logProbs.map(() => s))),
    groups: Int32Array.from(sequences, ({ group }) => group),
  };
}

interface Member {
  readonly sequence: LossSequence;
  readonly weight: number;
  readonly prepared: readonly number[];
}

interface MicroBatchLoss {
  readonly loss: number;
  readonly gradient: readonly number[];
  /** Sums over the tokens. */
  readonly metrics: { readonly [name: string]: number };
}

async function microBatchLoss(chosen: ChosenPolicyLoss, members: readonly Member[]): Promise<MicroBatchLoss> {
  const { value, gradient, metrics } = tf.tidy(() => tensorsOf(chosen, members));
  const names = Object.keys(metrics);
  const [loss, slopes, ...sums] = await Promise.all([value, gradient, ...Object.values(metrics)].map((x) => x.data()));
  tf.dispose([value, gradient, metrics]);
  return {
    loss: loss?.[0] ?? Number.NaN,
    gradient: [...(slopes ?? [])],
    metrics: Object.fromEntries(names.map((name, i) => [name, sums[i]?.[0] ?? Number.NaN])),
  };
}

function tensorsOf(chosen: ChosenPolicyLoss, members: readonly Member[]) {
  const input = inputOf(members);
  const weights = tf.tensor1d(members.flatMap(({ weight, prepared }) => prepared.map(() => weight))); // [M]
  const logProbs = tf.variable(input.logProbs);
  const { value, grads } = variableGradients(
    () => tf.sum<tf.Scalar>(tf.mul(chosen.loss({ ...input, logProbs }).losses, weights)),
    [logProbs],
  );
  const metrics = Object.entries(chosen.loss(input).metrics).map(([name, of]) => [name, tf.sum(of)] as const);
  const gradient = grads[logProbs.name] ?? tf.zerosLike(logProbs); // [M]
  logProbs.dispose();
  return { value, gradient, metrics: Object.fromEntries(metrics) };
}

function inputOf(members: readonly Member[]): PolicyLossInput {
  const column = (of: (member: Member) => readonly number[]) => tf.tensor1d(members.flatMap(of), 'float32'); // [M]
  return {
    logProbs: column(({ sequence }) => sequence.logProbs),
    oldLogProbs: column(({ sequence }) => sequence.oldLogProbs),
    advantages: column(({ sequence }) => sequence.advantages),
    rolloutIsWeights: column(({ sequence }) => sequence.rolloutIsWeights),
    isOffPolicy: column(({ sequence }) => sequence.logProbs.map(() => Number(sequence.isOffPolicy))),
    prepared: column(({ prepared }) => prepared),
    segments: tf.tensor1d(
      members.flatMap(({ prepared }, s) => prepared.map(() => s)),
      'int32',
    ),
    segmentCount: members.length,
  };
}

/** One list a sequence; zeros where there is nothing to split. */
function split(values: ArrayLike<number> | undefined, counts: readonly number[]): readonly (readonly number[])[] {
  let next = 0;
  return counts.map((count) => Array.from({ length: count }, () => values?.[next++] ?? 0));
}

function meansOf(parts: readonly MicroBatchLoss[], tokens: number): MiniBatchLoss['metrics'] {
  const names = Object.keys(parts[0]?.metrics ?? {});
  const mean = (name: string): number => parts.reduce((sum, { metrics }) => sum + (metrics[name] ?? 0), 0) / tokens;
  return Object.fromEntries(names.map((name) => [name, mean(name)]));
}
