import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedGradient } from './fused-gradient.js';
import { fusedKernel } from './fused-kernel.js';

type Inputs = { gate: tf.Tensor2D; up: tf.Tensor2D };

const kernel = fusedKernel('GeGLU', ({ gate, up }: Inputs, _: object): [tf.Tensor2D] => [
  tf.mul(tf.mul(gate, share(bounded(gate))), up),
]);

const gradKernel = fusedKernel(
  'GeGLUGrad',
  ({ dy, gate, up }: Inputs & { dy: tf.Tensor2D }, _: object): [tf.Tensor2D, tf.Tensor2D] => {
    const near = bounded(gate); // [N, F]
    const passed = share(near); // [N, F]
    const steepness = tf.mul(tf.add(tf.mul(tf.square(near), 3 * cubic), 1), slope); // [N, F]
    const shareGrad = tf.mul(tf.sub(passed, tf.square(passed)), steepness); // [N, F]
    const geluGrad = tf.add(passed, tf.mul(near, shareGrad)); // [N, F]
    return [tf.mul(tf.mul(dy, up), geluGrad), tf.mul(dy, tf.mul(gate, passed))];
  },
);

fusedGradient(kernel, { inputs: ['gate', 'up'] }, ({ dys: [dy], inputs }) => {
  const [dGate, dUp] = gradKernel.run({ dy, ...inputs }, {});
  return { gate: () => dGate, up: () => dUp };
});

/**
 * GeGLU without its projections (Shazeer, arXiv:2002.05202, eq. 6) with the tanh form of GELU (Hendrycks & Gimpel, arXiv:1606.08415,
 * section 2; `gelu_pytorch_tanh` in Hugging Face configs): y = gate / 2 · (1 + tanh(sqrt(2/π) (gate + 0.044715 gate³))) · up.
 * @param gate [N, F] float32
 * @param up [N, F] float32
 * @returns [N, F] float32
 */
export function geglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  const isSameShape = gate.shape[0] === up.shape[0] && gate.shape[1] === up.shape[1];
  checkShapes('geglu', { gate, up }, { 'gate and up are [N, F]': gate.rank === 2 && up.rank === 2 && isSameShape });
  return kernel.run({ gate, up }, {})[0];
}

const slope = 2 * Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** Beyond 30 what passes of a gate is 0 or 1 to the last bit, so that nothing needs to overflow. */
function bounded(gate: tf.Tensor2D): tf.Tensor2D {
  return tf.clipByValue(gate, -30, 30);
}

/** (1 + tanh z) / 2 = sigmoid(2 z), which loses no digits where the gate is negative. */
function share(gate: tf.Tensor2D): tf.Tensor2D {
  const bent: tf.Tensor2D = tf.mul(gate, tf.add(tf.mul(tf.square(gate), cubic), 1)); // [N, F]
  return tf.sigmoid(tf.mul<tf.Tensor2D>(bent, slope));
}
