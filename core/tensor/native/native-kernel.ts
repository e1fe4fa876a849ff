import * as tf from '@tensorflow/tfjs-core';
import type { Addon } from './addon.js';
import type { NativeBackend } from './backend.js';

/** One call of a kernel on backend `native`. */
export interface NativeCall {
  readonly addon: Addon;
  readonly backend: NativeBackend;
  /** Tensors by the kernel's names. An optional one that was left out is undefined: ask `has` first. */
  readonly inputs: { readonly [name: string]: tf.TensorInfo };
}

/** A kernel of backend `native`: attributes as the kernel's contract has them, outputs in its order. */
export interface NativeKernel<Attributes> {
  readonly name: string;
  readonly run: (call: NativeCall, attributes: Attributes) => tf.TensorInfo | tf.TensorInfo[];
}

/** Registers with tfjs, in place of what the backend had under that name. */
export function registerNative<Attributes>(addon: Addon, { name, run }: NativeKernel<Attributes>): void {
  if (tf.getKernel(name, 'native') !== undefined) tf.unregisterKernel(name, 'native');
  tf.registerKernel({
    kernelName: name,
    backendName: 'native',
    kernelFunc: ({ inputs, attrs, backend }) =>
      run(
        { addon, backend: backend as NativeBackend, inputs: inputs as NativeCall['inputs'] },
        attrs as unknown as Attributes,
      ),
  });
}

/** The input of that name. */
export function input(call: NativeCall, name: string): tf.TensorInfo {
  const tensor = call.inputs[name];
  if (tensor === undefined) throw new TypeError(`the kernel needs an input ${name}`);
  return tensor;
}

/** The storage of a float32 input. */
export function floats(call: NativeCall, name: string): Float32Array {
  return call.backend.floats(input(call, name));
}

/** The storage of an int32 input. */
export function ints(call: NativeCall, name: string): Int32Array {
  return call.backend.ints(input(call, name));
}

/** The size of an input along an axis. */
export function size(call: NativeCall, name: string, axis: number): number {
  const length = input(call, name).shape[axis];
  if (length === undefined) throw new TypeError(`input ${name} has no axis ${axis}`);
  return length;
}
