import * as tf from '@tensorflow/tfjs-core';
import { Batch } from '../../core/batch.js';
import type { Policy } from '../../core/model/policy.js';
import { variableGradients } from '../../core/tensor/variable-gradients.js';
import { headOutput } from '../../core/training/forward.js';

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
