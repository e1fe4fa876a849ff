import * as tf from '@tensorflow/tfjs-core';
import { choosePolicyLoss } from '../../core/algorithms.js';
import type { PolicyLossInput } from '../../core/losses/policy-loss.js';
import { variableGradients } from '../../core/tensor/variable-gradients.js';
import { lossInput } from './loss-input.js';

/** What a loss sees of some tokens, of one sequence unless `lengths` says otherwise; what is left out is neutral. */
export interface Tokens {
  readonly logProbs: readonly number[];
  readonly oldLogProbs?: readonly number[];
  readonly advantages?: readonly number[];
  readonly isOffPolicy?: readonly number[];
  readonly rolloutIsWeights?: readonly number[];
  readonly prepared?: readonly number[];
  /** Tokens of each sequence. */
  readonly lengths?: readonly number[];
}

export interface TokenLosses {
  readonly losses: readonly number[];
  /** The gradient of the sum of the losses. */
  readonly slopes: readonly number[];
  readonly metrics: { readonly [name: string]: readonly number[] };
}

/** Losses, gradient and metrics of a row of the table; frees everything it makes. */
export function tokenLosses(settings: { readonly name: string }, tokens: Tokens): TokenLosses {
  let result: TokenLosses = { losses: [], slopes: [], metrics: {} };
  tf.tidy(() => {
    const input = inputOf(tokens);
    const { loss } = choosePolicyLoss(settings);
    const { losses, metrics } = loss(input);
    const logProbs = tf.variable(input.logProbs);
    const sum = () => tf.sum<tf.Scalar>(loss({ ...input, logProbs }).losses);
    const { grads } = variableGradients(sum, [logProbs]);
    const slopes = [...(grads[logProbs.name]?.dataSync() ?? [])];
    logProbs.dispose();
    const read = Object.entries(metrics).map(([name, values]) => [name, [...values.dataSync()]] as const);
    result = { losses: [...losses.dataSync()], slopes, metrics: Object.fromEntries(read) };
  });
  return result;
}

export function inputOf(tokens: Tokens): PolicyLossInput {
  const { logProbs, lengths = [logProbs.length] } = tokens;
  const segments = lengths.flatMap((length, s) => new Array<number>(length).fill(s));
  const column = (values: readonly number[] | undefined, neutral: number): tf.Tensor1D =>
    tf.tensor1d([...(values ?? logProbs.map(() => neutral))], 'float32');
  return lossInput({
    logProbs: column(logProbs, 0),
    oldLogProbs: column(tokens.oldLogProbs ?? logProbs, 0),
    advantages: column(tokens.advantages, 1),
    isOffPolicy: column(tokens.isOffPolicy, 0),
    rolloutIsWeights: column(tokens.rolloutIsWeights, 1),
    prepared: column(tokens.prepared, 0),
    segments: tf.tensor1d(segments, 'int32'),
    segmentCount: lengths.length,
  });
}
