import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedGradient } from './fused-gradient.js';
import { fusedKernel } from './fused-kernel.js';

type Inputs = { gate: tf.Tensor2D; up: tf.Tensor2D };

const kernel = fusedKernel('SwiGLU', ({ gate, up }: Inputs, _: object): [tf.Tensor2D] => [
  tf.mul(tf.mul(gate, tf.sigmoid(gate)), up),
]);

const gradKernel = fusedKernel(
  'SwiGLUGrad',
  ({ dy, gate, up }: Inputs & { dy: tf.Tensor2D }, _: object): [tf.Tensor2D, tf.Tensor2D] => {
    const sigmoid = tf.sigmoid(gate); // [N, F]
    const silu = tf.mul(gate, sigmoid); // [N, F]
    // d silu / d gate = sigmoid + silu (1 - sigmoid)
    const slope = tf.add(sigmoid, tf.sub(silu, tf.mul(silu, sigmoid))); // [N, F]
    return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)];
  },
);

fusedGradient(kernel, { inputs: ['gate', 'up'] }, ({ dys: [dy], inputs }) => {
  const [dGate, dUp] = gradKernel.run({ dy, ...inputs }, {});
  return { gate: () => dGate, up: () => dUp };
});

/**
 * SwiGLU without its projections (Shazeer, arXiv:2002.05202, eq. 6): y = gate · sigmoid(gate) · up.
 * @param gate [N, F] float32
 * @param up [N, F] float32
 * @returns [N, F] float32
 */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  const isSameShape = gate.shape[0] === up.shape[0] && gate.shape[1] === up.shape[1];
  checkShapes('swiglu', { gate, up }, { 'gate and up are [N, F]': gate.rank === 2 && up.rank === 2 && isSameShape });
  return kernel.run({ gate, up }, {})[0];
}
