import * as tf from '@tensorflow/tfjs-core';
import { freeingBackward } from './freeing-backward.js';

/**
 * tf.variableGrads whose backward pass frees each activation and each gradient of one as soon as it has been used: the same
 * gradients to the bit from less memory. The caller owns the value and the gradients, which are by the variables' names and
 * lack those that `f` does not depend on.
 */
export function variableGradients(
  f: () => tf.Scalar,
  variables: readonly tf.Variable[],
): { value: tf.Scalar; grads: tf.NamedTensorMap } {
  return freeingBackward(f, (f) => tf.variableGrads(f, [...variables]));
}
