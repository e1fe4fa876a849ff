import * as tf from '@tensorflow/tfjs-core';
import { freeingBackward } from './freeing-backward.js';

/**
 * Gradient checkpointing (Chen et al., arXiv:1604.06174): the function with the same value and gradients that keeps its inputs
 * alone until the backward pass, and there computes the rest again.
 * @param f pure. Whatever needs a gradient must be an input; what needs none is better captured: its gradient would be computed too
 */
export function checkpointed<Inputs extends tf.Tensor[], Value extends tf.Tensor>(
  f: (...inputs: Inputs) => Value,
): (...inputs: Inputs) => Value {
  return (...inputs) => {
    const op = tf.customGrad<Value>((...inputsAndSave) => {
      const save = inputsAndSave[inputsAndSave.length - 1];
      if (typeof save !== 'function') throw new Error('tfjs changed the contract of customGrad');
      save([...inputs]);
      // A clone, because tfjs doubles the gradient of an input that is the value itself.
      return { value: tf.clone(f(...inputs)), gradFunc: (dy, saved) => recompute(f, saved as Inputs, dy) };
    });
    return op(...inputs);
  };
}

/** One gradient an input, zeros where f does not depend on it. */
function recompute<Inputs extends tf.Tensor[], Value extends tf.Tensor>(
  f: (...inputs: Inputs) => Value,
  inputs: Inputs,
  dy: Value,
): tf.Tensor[] {
  return freeingBackward(
    () => f(...inputs),
    (f) =>
      tf.tidy(() => {
        const { grads } = tf.engine().gradients(f, inputs, tf.clone(dy), true);
        return grads.map((gradient, i) => gradient ?? tf.zeros(inputs[i]?.shape ?? []));
      }),
  );
}
