import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { Batch } from '../../core/batch.js';
import type { Policy } from '../../core/model/policy.js';
import { variableGradients } from '../../core/tensor/variable-gradients.js';
import { headOutput } from '../../core/training/forward.js';
import { expectClose } from './expect-close.js';
import type { TrainedCase } from './model-references.js';

/** Sequences packed as training packs them: of each, the tokens behind the first, or behind its prompt, are predicted. */
export function packed(sequences: readonly (readonly number[])[], promptLengths: readonly number[] = []): Batch {
  return new Batch(
    sequences.map((tokens, s) => {
      const mask = tokens.map((_, t) => (t < (promptLengths[s] ?? 1) ? (0 as const) : (1 as const)));
      const zeros = tokens.map(() => 0);
      return { sequence: { tokens, mask, logprobs: zeros, advantages: zeros }, weight: 1 };
    }),
  );
}

/** The mean of the negative log-probs of all tokens that are predicted. */
export function meanLoss(policy: Policy, batch: Batch): tf.Scalar {
  return tf.neg(tf.mean<tf.Scalar>(headOutput(policy, batch, 1).logProbs));
}

/** The gradient of that mean to each of the policy's weights, by their names. */
export function meanGradient(
  policy: Policy,
  sequences: readonly (readonly number[])[],
): ReadonlyMap<string, Float32Array> {
  using batch = packed(sequences);
  const { names, variables } = policy.weights;
  const { value, grads } = variableGradients(() => tf.tidy(() => meanLoss(policy, batch)), variables);
  const values = variables.map(({ name }, i): [string, Float32Array] => [
    names[i] ?? '',
    Float32Array.from(grads[name]?.dataSync() ?? []),
  ]);
  tf.dispose([value, ...Object.values(grads)]);
  return new Map(values);
}

/** The gradient of the mean loss of all their tokens. */
export function combinedGradient(cases: readonly TrainedCase[]): ReadonlyMap<string, Float64Array> {
  const total = cases.reduce((sum, { logprobs }) => sum + logprobs.length, 0);
  const combined = new Map<string, Float64Array>();
  for (const { gradients, logprobs } of cases)
    for (const [name, gradient] of gradients) {
      const sum = combined.get(name) ?? new Float64Array(gradient.length);
      combined.set(
        name,
        sum.map((value, i) => value + (gradient[i]! * logprobs.length) / total),
      );
    }
  return combined;
}

/** Each within 1e-4 of its tensor's largest magnitude; where that is 0, what rounding leaves of gradients elsewhere. */
export function expectModelGradients(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, ArrayLike<number>>,
): void {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  const floor = 1e-6 * Math.max(...[...expected.values()].map(largest));
  for (const [name, values] of expected) {
    const absolute = Math.max(1e-4 * largest(values), floor);
    expectClose(actual.get(name) ?? [], values, { relative: 0, absolute }, `gradient of ${name}`);
  }
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
