import * as tf from '@tensorflow/tfjs-core';
import { philoxUniform } from '../philox.js';
import { capLogits } from './cap-logits.js';
import { checkShapes } from './check-shapes.js';
import { cutDistribution } from './cut-distribution.js';
import { fusedKernel } from './fused-kernel.js';
import { readValues } from './read-values.js';

/** How to sample each of N rows; every array has one entry a row. */
export interface RowSampling {
  /** 0 takes the likeliest token, of equal ones the first; its log-prob is that at 1. */
  readonly temperature: Float32Array;
  /** 0 = all. */
  readonly topK: Int32Array;
  /** 1 = all. */
  readonly topP: Float32Array;
  /** 0 = all. */
  readonly minP: Float32Array;
  /** Key of the row's random numbers. */
  readonly seeds: Uint32Array;
  /** Tokens its sequence has sampled so far: equal seed, counter and logits give an equal token. */
  readonly counters: Uint32Array;
}

export interface SampledTokens {
  /** [N] int32 */
  readonly tokens: tf.Tensor1D;
  /** [N] float32: log_softmax(logits / temperature) over the full vocabulary; NaN where logits are not finite. */
  readonly logProbs: tf.Tensor1D;
  /** [N] float32: the same over what top-k, top-p and min-p have left. */
  readonly samplingLogProbs: tf.Tensor1D;
}

/**
 * Samples a token a row from softmax(x Wᵀ / temperature), cut to the topK likeliest tokens, of these to the fewest that have topP of
 * the probability, and of these to those at least minP times as likely as the likeliest. Has no gradient.
 * @param hidden [N, C] float32
 * @param weight [V, C] float32
 * @param softcap logits x become softcap · tanh(x / softcap) before anything else; 0 leaves them
 */
export function sampleTokens(
  hidden: tf.Tensor2D,
  weight: tf.Tensor2D,
  sampling: RowSampling,
  softcap = 0,
): SampledTokens {
  const rows = hidden.shape[0];
  checkShapes(
    'sampleTokens',
    { hidden, weight },
    {
      'hidden is [N, C], weight is [V, C]':
        hidden.rank === 2 && weight.rank === 2 && hidden.shape[1] === weight.shape[1],
      'every list of how to sample has N entries': Object.values(sampling).every(({ length }) => length === rows),
    },
  );
  const [tokens, logProbs, samplingLogProbs] = sampleTokensKernel.run({ hidden, weight }, { ...sampling, softcap });
  return { tokens, logProbs, samplingLogProbs };
}

type Inputs = { hidden: tf.Tensor2D; weight: tf.Tensor2D };
type Attributes = RowSampling & { softcap: number };

/** -> tokens [N] int32, logProbs [N], samplingLogProbs [N]. */
const sampleTokensKernel = fusedKernel(
  'SampleTokens',
  ({ hidden, weight }: Inputs, { softcap, ...sampling }: Attributes): [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D] => {
    const [rows, vocabSize] = [hidden.shape[0], weight.shape[0]];
    const logits = rows === 0 ? new Float32Array(0) : readValues(capLogits(product(hidden, weight), softcap)); // [N, V]
    const tokens = new Int32Array(rows);
    const logProbs = new Float32Array(rows);
    const samplingLogProbs = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      const sampled = sampleRow(logits.subarray(row * vocabSize, (row + 1) * vocabSize), sampling, row);
      tokens[row] = sampled.token;
      logProbs[row] = sampled.logProb;
      samplingLogProbs[row] = sampled.samplingLogProb;
    }
    return [tf.tensor1d(tokens, 'int32'), tf.tensor1d(logProbs), tf.tensor1d(samplingLogProbs)];
  },
);

/** [N, V] */
function product(hidden: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  return tf.matMul(hidden, tf.transpose(weight));
}

interface Sampled {
  readonly token: number;
  readonly logProb: number;
  readonly samplingLogProb: number;
}

/** In float64: inverts the cumulative sum over the tokens that are left, in the order of their ids. */
function sampleRow(logits: Float32Array, sampling: RowSampling, row: number): Sampled {
  const temperature = sampling.temperature[row] ?? 1;
  const divisor = temperature === 0 ? 1 : temperature;
  const best = likeliest(logits);
  const max = logits[best] ?? Number.NaN;
  const weights = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i++) weights[i] = Math.exp(((logits[i] ?? 0) - max) / divisor);
  const total = sum(weights);
  const [topK, topP, minP] = [sampling.topK[row] ?? 0, sampling.topP[row] ?? 1, sampling.minP[row] ?? 0];
  cutDistribution(weights, { topK, topP, minP });
  const left = sum(weights);
  const random = philoxUniform(sampling.seeds[row] ?? 0, sampling.counters[row] ?? 0);
  const token = temperature === 0 ? best : (invert(weights, random * left) ?? best);
  const logWeight = ((logits[token] ?? Number.NaN) - max) / divisor;
  return { token, logProb: logWeight - Math.log(total), samplingLogProb: logWeight - Math.log(left) };
}

/** The first of the largest. */
function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] ?? 0) > (logits[best] ?? 0)) best = i;
  return best;
}

function invert(weights: Float64Array, target: number): number | undefined {
  let cumulative = 0;
  for (let i = 0; i < weights.length; i++) {
    cumulative += weights[i] ?? 0;
    if (target < cumulative) return i;
  }
  return undefined;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
