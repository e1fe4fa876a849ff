import * as tf from '@tensorflow/tfjs-core';
import type { FusedKernel, KernelAttributes, KernelInputs } from './fused-kernel.js';

/** What the gradient of a kernel is computed from. */
export interface Backward<
  Inputs extends KernelInputs,
  Attributes extends KernelAttributes,
  Outputs extends tf.Tensor[],
  Saved extends keyof Inputs,
> {
  /** The gradient of each output, of its shape; zeros where nothing depends on it. Never to be returned: clone it. */
  readonly dys: Outputs;
  readonly inputs: Pick<Inputs, Saved>;
  /** Empty unless outputs are saved. */
  readonly outputs: Outputs;
  readonly attributes: Attributes;
}

/**
 * Says how a kernel is differentiated, on every backend. One kernel that makes several gradients is run before the thunks are
 * returned: a thunk is called for each input that leads from a variable, and there is at least one.
 */
export function fusedGradient<
  Inputs extends KernelInputs,
  Attributes extends KernelAttributes,
  Outputs extends tf.Tensor[],
  Saved extends keyof Inputs & string,
>(
  { name }: FusedKernel<Inputs, Attributes, Outputs>,
  saved: { readonly inputs: readonly Saved[]; readonly outputs?: { readonly [Index in keyof Outputs]: true } },
  gradient: (backward: Backward<Inputs, Attributes, Outputs, Saved>) => {
    readonly [Input in keyof Inputs]?: () => tf.Tensor;
  },
): void {
  tf.registerGradient({
    kernelName: name,
    inputsToSave: [...saved.inputs],
    outputsToSave: [...(saved.outputs ?? [])],
    gradFunc: (dy, tensors, attributes) => {
      const inputs = Object.fromEntries(saved.inputs.map((input, i) => [input, tensors[i]]));
      const thunks = gradient({
        dys: (Array.isArray(dy) ? dy : [dy]) as Outputs,
        inputs: inputs as Pick<Inputs, Saved>,
        outputs: tensors.slice(saved.inputs.length) as Outputs,
        attributes: attributes as Attributes,
      });
      return thunks as { [input: string]: () => tf.Tensor };
    },
  });
}
