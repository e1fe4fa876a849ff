import * as tf from '@tensorflow/tfjs-core';

/** Marks a place in a computation: the identity, whose gradient notes how many bytes are alive when the backward pass gets there. */
export type Probe = (x: tf.Tensor2D) => tf.Tensor2D;

/** The most bytes alive at any probe of the backward pass; throws when it never got to one. */
export function probed(differentiate: (probe: Probe) => void): number {
  let peak = Number.NaN;
  const probe = tf.customGrad<tf.Tensor2D>((...inputs) => {
    const [x] = inputs;
    if (!(x instanceof tf.Tensor)) throw new TypeError('a probe takes one tensor');
    return {
      value: tf.clone(x) as tf.Tensor2D,
      gradFunc: (dy: tf.Tensor2D) => {
        peak = Math.max(Number.isNaN(peak) ? 0 : peak, tf.memory().numBytes);
        return tf.clone(dy);
      },
    };
  });
  differentiate((x) => probe(x));
  if (Number.isNaN(peak)) throw new Error('the backward pass went through no probe');
  return peak;
}
