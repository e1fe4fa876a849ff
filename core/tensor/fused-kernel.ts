import * as tf from '@tensorflow/tfjs-core';

/** Plain values that go with a call: numbers, switches, typed arrays. */
export type KernelAttributes = object;

/** Tensors by the name under which a kernel takes them; one left out stays undefined. */
export type KernelInputs = { readonly [name: string]: tf.Tensor };

/**
 * A kernel of ours: a name, inputs and attributes that every backend agrees on. A backend with code of its own for it registers that
 * with tfjs under the same name; all others run `composed`, which says in tfjs ops what the kernel computes.
 */
export interface FusedKernel<
  Inputs extends KernelInputs,
  Attributes extends KernelAttributes,
  Outputs extends tf.Tensor[] = tf.Tensor[],
> {
  readonly name: string;
  /** Runs on the current backend; its outputs, in the kernel's order, belong to the caller. */
  run(inputs: Inputs, attributes: Attributes): Outputs;
}

const composedKernels = new Map<string, tf.KernelFunc>();
const completed = new Set<string>();

/** Backends of tfjs that have none of our kernels: `tensorflow` is the name of both tfjs-node and tfjs-node-gpu. */
const tfjsBackends = ['cpu', 'wasm', 'tensorflow'] as const;

/**
 * Defines a kernel by its composition and registers that for the backends of tfjs. Inside a kernel nothing is taped.
 * @param composed returns new tensors, never an input; what else it makes is disposed
 */
export function fusedKernel<
  Inputs extends KernelInputs,
  Attributes extends KernelAttributes,
  Outputs extends tf.Tensor[] = tf.Tensor[],
>(
  name: string,
  composed: (inputs: Inputs, attributes: Attributes) => Outputs,
): FusedKernel<Inputs, Attributes, Outputs> {
  const kernelFunc: tf.KernelFunc = ({ inputs, attrs }) =>
    tf.tidy(() => composed(inputs as Inputs, attrs as Attributes));
  composedKernels.set(name, kernelFunc);
  for (const backendName of tfjsBackends) tf.registerKernel({ kernelName: name, backendName, kernelFunc });
  for (const backendName of completed) registerIfMissing(name, backendName, kernelFunc);
  return { name, run: (inputs, attributes) => runKernel(name, inputs, attributes) as Outputs };
}

/** Lets a backend that has registered its own kernels run the compositions of all others, also of those defined later. */
export function completeWithComposed(backendName: string): void {
  completed.add(backendName);
  for (const [name, kernelFunc] of composedKernels) registerIfMissing(name, backendName, kernelFunc);
}

function registerIfMissing(kernelName: string, backendName: string, kernelFunc: tf.KernelFunc): void {
  if (tf.getKernel(kernelName, backendName) === undefined) tf.registerKernel({ kernelName, backendName, kernelFunc });
}

function runKernel(name: string, inputs: KernelInputs, attributes: KernelAttributes): tf.Tensor[] {
  const outputs: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, { ...inputs }, { ...attributes });
  return Array.isArray(outputs) ? outputs : [outputs];
}
