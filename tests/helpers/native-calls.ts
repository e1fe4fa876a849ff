import * as tf from '@tensorflow/tfjs-core';
import { NativeBackend } from '../../core/tensor/native/backend.js';
import { loadedAddon } from './native-isa.js';

/** Runs a kernel on the current backend and returns the values of its outputs; these and the inputs are disposed. */
export function runKernel(
  name: string,
  inputs: { readonly [name: string]: tf.Tensor },
  attributes: object = {},
): number[][] {
  return tf.tidy(() => {
    const outputs = tf
      .engine()
      .runKernel(name, inputs as tf.NamedTensorMap, attributes as unknown as tf.NamedAttrMap) as unknown as
      | tf.Tensor
      | tf.Tensor[];
    const values = (Array.isArray(outputs) ? outputs : [outputs]).map((output) => [...output.dataSync()]);
    tf.dispose(inputs);
    return values;
  });
}

/** The same for one thread and for three: what they return must be equal to the bit, and is returned. */
export async function onAnyThreads<Result>(compute: () => Result): Promise<readonly [Result, Result]> {
  const addon = await loadedAddon();
  addon.setThreads(3);
  const many = compute();
  addon.setThreads(1);
  return [compute(), many];
}

/** The current backend. */
export function nativeBackend(): NativeBackend {
  const backend: unknown = tf.backend();
  if (!(backend instanceof NativeBackend)) throw new Error('backend native is not the current one');
  return backend;
}
