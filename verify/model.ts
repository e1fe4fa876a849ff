import * as tf from '@tensorflow/tfjs-core';
import { Batch } from '../core/batch.js';
import { lastLogits } from '../core/model/logits.js';
import type { Policy } from '../core/model/policy.js';
import { headOutput } from '../core/training/forward.js';
import { checkVocabulary, type ModelCase } from './model-cases.js';

/** How far one case is from its reference. */
export interface ModelVerdict {
  readonly tokenCount: number;
  /** Largest absolute difference; Infinity where a number of ours is not finite. */
  readonly worst: number;
  /** The same of each kind of numbers that the case has. */
  readonly parts: readonly { readonly what: 'logits_last' | 'logprobs'; readonly worst: number }[];
}

/**
 * Compares logits and log-probs, the latter as training computes them, with the cases', one sequence at a time. Throws ConfigError
 * before anything is computed when the cases are not of this model's vocabulary.
 */
export async function* verifyModel(policy: Policy, cases: readonly ModelCase[]): AsyncGenerator<ModelVerdict> {
  checkVocabulary(cases, policy.vocabSize);
  for (const { tokens, lastLogits: expectedLogits, logprobs: expectedLogprobs } of cases) {
    const parts: ModelVerdict['parts'][number][] = [];
    if (expectedLogits !== undefined) {
      const actual = await readAndFree(lastLogits(policy, [tokens]));
      parts.push({ what: 'logits_last', worst: largestDifference(actual, expectedLogits) });
    }
    if (expectedLogprobs !== undefined)
      parts.push({ what: 'logprobs', worst: largestDifference(await logProbsOf(policy, tokens), expectedLogprobs) });
    yield { tokenCount: tokens.length, worst: Math.max(...parts.map(({ worst }) => worst)), parts };
  }
}

/** [T - 1]: the log-prob of each token but the first. */
async function logProbsOf(policy: Policy, tokens: readonly number[]): Promise<ArrayLike<number>> {
  if (tokens.length === 1) return [];
  const zeros = tokens.map(() => 0);
  const mask = tokens.map((_, t) => (t === 0 ? (0 as const) : (1 as const)));
  using batch = new Batch([{ sequence: { tokens, mask, logprobs: zeros, advantages: zeros }, weight: 1 }]);
  return readAndFree(tf.tidy(() => headOutput(policy, batch, 1).logProbs));
}

async function readAndFree(tensor: tf.Tensor): Promise<ArrayLike<number>> {
  const values = await tensor.data();
  tensor.dispose();
  return values;
}

function largestDifference(actual: ArrayLike<number>, expected: readonly number[]): number {
  return expected.reduce((worst, value, i) => {
    const difference = Math.abs((actual[i] ?? Number.NaN) - value);
    return Number.isFinite(difference) ? Math.max(worst, difference) : Number.POSITIVE_INFINITY;
  }, 0);
}
