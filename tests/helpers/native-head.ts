import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../core/rng.js';
import type { HeadRules } from '../../core/tensor/linear-log-probs.js';
import { runKernel } from './run-kernel.js';

/** Rows that meet a head, in plain arrays. */
export interface HeadCase {
  readonly rows: number;
  readonly width: number;
  readonly vocabulary: number;
  /** [rows, width] */
  readonly x: Float32Array;
  /** [vocabulary, width] */
  readonly weight: Float32Array;
  readonly targets: Int32Array;
  readonly temperature: number;
  readonly softcap: number;
}

/** Standard scales: logits of a few units. */
export function randomHead(rows: number, width: number, vocabulary: number, temperature = 1): HeadCase {
  const rng = new Rng(rows * 31 + width * 7 + vocabulary);
  const values = (count: number, scale: number) =>
    Float32Array.from({ length: count }, () => (rng.float() * 2 - 1) * scale);
  const x = values(rows * width, 2);
  const weight = values(vocabulary * width, 3 / Math.sqrt(width));
  const targets = Int32Array.from({ length: rows }, () => Math.floor(rng.float() * vocabulary));
  return { rows, width, vocabulary, x, weight, targets, temperature, softcap: 0 };
}

/** Rows [begin, end) of a case alone. */
export function rowsOf(head: HeadCase, begin: number, end: number): HeadCase {
  const x = head.x.slice(begin * head.width, end * head.width);
  return { ...head, rows: end - begin, x, targets: head.targets.slice(begin, end) };
}

/** Log-probs, entropies and log-sum-exps of kernel LinearLogProbs. */
export function runHead(head: HeadCase): Float32Array[] {
  return runKernel('LinearLogProbs', headInputs(head), rulesOf(head)).map((values) => Float32Array.from(values));
}

/** dx and, unless it is frozen, dWeight of kernel LinearLogProbsGrad. */
export function runHeadGrad(
  head: HeadCase & { readonly isWeightFrozen?: boolean },
  dLogProbs: Float32Array,
  dEntropy: Float32Array,
): Float32Array[] {
  const [, entropy = new Float32Array(), logSumExp = new Float32Array()] = runHead(head);
  const vectors = { dLogProbs, dEntropy, entropy, logSumExp };
  const saved = Object.fromEntries(Object.entries(vectors).map(([name, values]) => [name, tf.tensor1d(values)]));
  const outputs = runKernel('LinearLogProbsGrad', { ...headInputs(head), ...saved }, rulesOf(head));
  return outputs.map((values) => Float32Array.from(values));
}

function rulesOf({
  temperature,
  softcap,
  isWeightFrozen = false,
}: HeadCase & Pick<HeadRules, 'isWeightFrozen'>): Required<HeadRules> {
  return { temperature, softcap, isWeightFrozen };
}

function headInputs({ rows, width, vocabulary, x, weight, targets }: HeadCase): { [name: string]: tf.Tensor } {
  return {
    x: tf.tensor2d(x, [rows, width]),
    weight: tf.tensor2d(weight, [vocabulary, width]),
    targets: tf.tensor1d(targets, 'int32'),
  };
}

/** softmax(x Wᵀ / temperature), capped where there is a softcap, of a row in float64: log-probs of all tokens and the entropy. */
export function referenceRow(head: HeadCase, row: number): { readonly logProbs: number[]; readonly entropy: number } {
  const { width, vocabulary, x, weight, temperature, softcap } = head;
  const logits = Array.from({ length: vocabulary }, (_, token) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += x[row * width + k]! * weight[token * width + k]!;
    return (softcap === 0 ? sum : softcap * Math.tanh(sum / softcap)) / temperature;
  });
  const max = logits.reduce((a, b) => Math.max(a, b));
  const logSumExp = max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
  const logProbs = logits.map((logit) => logit - logSumExp);
  return { logProbs, entropy: -logProbs.reduce((sum, logProb) => sum + Math.exp(logProb) * logProb, 0) };
}
