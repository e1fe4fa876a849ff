import * as tf from '@tensorflow/tfjs-core';

/** What a hand-written op computes: its value, what its gradient needs, and how the value's gradient becomes one gradient an input. */
export interface Differentiable<Value extends tf.Tensor, Saved extends { readonly [name: string]: tf.Tensor }> {
  /** A new tensor, never an input itself. */
  readonly value: Value;
  /** Kept until the gradient has been computed; handed to it under the same names. */
  readonly saved: Saved;
  /** One gradient an input, each of its input's shape. */
  readonly gradient: (dy: Value, saved: Saved) => tf.Tensor[];
}

/** Runs a hand-written op: `forward` computes outside of the tape. Temporaries of both directions are disposed. */
export function differentiable<Value extends tf.Tensor, Saved extends { readonly [name: string]: tf.Tensor }>(
  inputs: readonly tf.Tensor[],
  forward: () => Differentiable<Value, Saved>,
): Value {
  const op = tf.customGrad<Value>((...inputsAndSave) => {
    const save = inputsAndSave[inputsAndSave.length - 1];
    if (typeof save !== 'function') throw new Error('tfjs changed the contract of customGrad');
    const { value, saved, gradient } = forward();
    const names = Object.keys(saved);
    save(Object.values(saved));
    return { value, gradFunc: (dy, kept) => tf.tidy(() => gradient(dy, named<Saved>(names, kept))) };
  });
  return op(...inputs);
}

/** tfjs hands back what was saved as a list in the order of saving. */
function named<Saved extends { readonly [name: string]: tf.Tensor }>(names: string[], kept: tf.Tensor[]): Saved {
  return Object.fromEntries(names.map((name, i) => [name, kept[i]])) as Saved;
}
