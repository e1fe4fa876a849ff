import * as tf from '@tensorflow/tfjs-core';
import { readValues } from './read-values.js';

/**
 * Batched product without transposes. tfjs-wasm multiplies two matrices with XNNPACK but batches of them with a plain loop that
 * is about ten times slower, so there each pair is multiplied on its own. For use inside hand-written ops: it has no gradient.
 * @param a [N, M, K] float32
 * @param b [N, K, P] float32
 * @returns [N, M, P] float32
 */
export function batchMatMul(a: tf.Tensor3D, b: tf.Tensor3D): tf.Tensor3D {
  return tf.getBackend() === 'wasm' ? matMulEach(a, b) : tf.matMul(a, b);
}

/** Cuts the batch up in JavaScript memory: a tfjs slice on wasm copies the whole tensor it cuts from. */
function matMulEach(a: tf.Tensor3D, b: tf.Tensor3D): tf.Tensor3D {
  const [count, rows, inner] = a.shape;
  const columns = b.shape[2];
  const [left, right] = [readValues(a), readValues(b)];
  const out = new Float32Array(count * rows * columns);
  for (let i = 0; i < count; i++) {
    const product = tf.tidy(() =>
      tf.matMul(
        tf.tensor2d(left.subarray(i * rows * inner, (i + 1) * rows * inner), [rows, inner]),
        tf.tensor2d(right.subarray(i * inner * columns, (i + 1) * inner * columns), [inner, columns]),
      ),
    );
    out.set(readValues(product), i * rows * columns);
    product.dispose();
  }
  return tf.tensor3d(out, [count, rows, columns]);
}

/** Swaps the last two axes of [N, M, K]. */
export function transposeMatrices(x: tf.Tensor3D): tf.Tensor3D {
  return tf.transpose(x, [0, 2, 1]);
}
