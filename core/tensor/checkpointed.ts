import * as tf from '@tensorflow/tfjs-core';
import { freeingBackward } from './freeing-backward.js';

/**
 * Gradient checkpointing (Chen et al., arXiv:1604.06174): the function with the same value and gradients that keeps its inputs
 * alone until the backward pass, and there computes the rest again.
 * @param f pure. Whatever needs a gradient must be an input; what needs none, a variable that is not trainable, or is captured, costs none
 */
export function checkpointed<Inputs extends tf.Tensor[], Value extends tf.Tensor>(
  f: (...inputs: Inputs) => Value,
): (...inputs: Inputs) => Value {
  return (...inputs) => {
    const op = tf.customGrad<Value>((...inputsAndSave) => {
      const save = inputsAndSave[inputsAndSave.length - 1];
      if (typeof save !== 'function') throw new Error('tfjs changed the contract of customGrad');
      save([...inputs]);
      const isFrozen = inputs.map((input) => input instanceof tf.Variable && !input.trainable);
      // A clone, because tfjs doubles the gradient of an input that is the value itself.
      return {
        value: tf.clone(f(...inputs)),
        gradFunc: (dy, saved) => recompute(f, { inputs: saved as Inputs, isFrozen }, dy),
      };
    });
    return op(...inputs);
  };
}

/** One gradient an input, zeros where f does not depend on it; of a frozen one, for which nobody asks, a mere 0. */
function recompute<Inputs extends tf.Tensor[], Value extends tf.Tensor>(
  f: (...inputs: Inputs) => Value,
  { inputs, isFrozen }: { readonly inputs: Inputs; readonly isFrozen: readonly boolean[] },
  dy: Value,
): tf.Tensor[] {
  return freeingBackward(
    () => f(...inputs),
    (f) =>
      tf.tidy(() => {
        const wanted = inputs.filter((_, i) => isFrozen[i] === false);
        const { grads } = tf.engine().gradients(f, wanted, tf.clone(dy), true);
        return inputs.map((input, i) =>
          isFrozen[i] ? tf.scalar(0) : (grads[wanted.indexOf(input)] ?? tf.zeros(input.shape)),
        );
      }),
  );
}
