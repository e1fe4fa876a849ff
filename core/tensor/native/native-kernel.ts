import * as tf from '@tensorflow/tfjs-core';
import type { Addon } from './addon.js';
import { NativeBackend } from './backend.js';

/** One call of a kernel on backend `native`. */
export interface NativeCall {
  readonly addon: Addon;
  readonly backend: NativeBackend;
  /** Tensors by the kernel's names; an optional one that was left out is missing. */
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
    kernelFunc: (call) => {
      // tfjs leaves the attributes out where a kernel has none.
      const attributes = (call.attrs ?? {}) as Attributes;
      const { backend } = call;
      const inputs = call.inputs as NativeCall['inputs'];
      if (!(backend instanceof NativeBackend)) throw new TypeError(`${name} was called with another backend's storage`);
      try {
        return backend.freeingOnError(() => run({ addon, backend, inputs }, attributes));
      } catch (error) {
        throw error instanceof RangeError ? new RangeError(`${name}: ${error.message}`, { cause: error }) : error;
      }
    },
  });
}

/** A kernel of tfjs's that ours stands in for where `run` returns something; elsewhere it runs as backend `native` inherited it. */
export function orInherited<Attributes extends object>(
  name: string,
  run: (call: NativeCall, attributes: Attributes) => tf.TensorInfo | undefined,
): NativeKernel<Attributes> {
  return {
    name,
    run(call, attributes) {
      const result = run(call, attributes);
      if (result !== undefined) return result;
      const inherited = tf.getKernel(name, 'cpu');
      if (inherited === undefined) throw new Error(`tfjs has no kernel ${name} for the cpu`);
      const inputs = call.inputs as tf.NamedTensorInfoMap;
      return inherited.kernelFunc({ inputs, attrs: attributes as tf.NamedAttrMap, backend: call.backend });
    },
  };
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

/** How many numbers an input holds. */
export function count(call: NativeCall, name: string): number {
  return tf.util.sizeFromShape(input(call, name).shape);
}

/** The size of an input along an axis. */
export function size(call: NativeCall, name: string, axis: number): number {
  const length = input(call, name).shape[axis];
  if (length === undefined) throw new TypeError(`input ${name} has no axis ${axis}`);
  return length;
}
