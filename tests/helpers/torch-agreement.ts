import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { expectClose } from './expect-close.js';
import type { TorchArray, TorchArrays, TorchCase } from './torch-fixture.js';

/** The largest error allowed anywhere in a tensor, as a share of its largest expected magnitude. */
const TOLERANCE = 1e-5;

/** The inputs of a case on the current backend, float ones as variables; freed with their owner. */
export class CaseInputs implements Disposable {
  readonly #tensors = new Map<string, tf.Tensor>();

  constructor(inputs: TorchArrays) {
    for (const [name, { shape, values }] of Object.entries(inputs)) {
      this.#tensors.set(name, values instanceof Int32Array ? integers(values, shape) : variable(values, shape));
    }
  }

  /** The differentiable ones by their name in the fixture. */
  get variables(): ReadonlyMap<string, tf.Variable> {
    const isVariable = (entry: [string, tf.Tensor]): entry is [string, tf.Variable] => entry[1] instanceof tf.Variable;
    return new Map([...this.#tensors].filter(isVariable));
  }

  vector(name: string): tf.Tensor1D {
    return this.#ofRank(name, 1) as tf.Tensor1D;
  }

  matrix(name: string): tf.Tensor2D {
    return this.#ofRank(name, 2) as tf.Tensor2D;
  }

  cube(name: string): tf.Tensor3D {
    return this.#ofRank(name, 3) as tf.Tensor3D;
  }

  any(name: string): tf.Tensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new Error(`the fixture has no input ${name}`);
    return tensor;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  [Symbol.dispose](): void {
    tf.dispose([...this.#tensors.values()]);
  }

  #ofRank(name: string, rank: number): tf.Tensor {
    const tensor = this.any(name);
    if (tensor.rank !== rank) throw new Error(`input ${name} has rank ${tensor.rank}, not ${rank}`);
    return tensor;
  }
}

/** Fails unless an op's outputs, and its gradients where the case has any, are PyTorch's. */
export function expectAgreement(torchCase: TorchCase, op: (inputs: CaseInputs) => tf.NamedTensorMap): void {
  using inputs = new CaseInputs(torchCase.inputs);
  tf.tidy(() => {
    const outputs = op(inputs);
    for (const [name, expected] of Object.entries(torchCase.outputs)) {
      const output = outputs[name];
      expect(output?.shape, `shape of ${name}`).toEqual(expected.shape);
      expectNear(output?.dataSync() ?? [], expected, name);
    }
  });
  if (Object.keys(torchCase.gradients).length > 0) expectGradientsNear(torchCase, inputs, op);
}

function expectGradientsNear(torchCase: TorchCase, inputs: CaseInputs, op: (inputs: CaseInputs) => tf.NamedTensorMap) {
  tf.tidy(() => {
    const projected = () => {
      const outputs = op(inputs);
      const sums = Object.entries(torchCase.projections).map(([name, { shape, values }]) =>
        tf.sum(tf.mul(outputs[name] ?? 0, tf.tensor(values, [...shape]))),
      );
      return sums.reduce((total, sum) => tf.add(total, sum)) as tf.Scalar;
    };
    const { grads } = tf.variableGrads(projected, [...inputs.variables.values()]);
    for (const [name, expected] of Object.entries(torchCase.gradients)) {
      const gradient = grads[inputs.variables.get(name)?.name ?? ''];
      expect(gradient?.shape, `shape of the gradient to ${name}`).toEqual(expected.shape);
      expectNear(gradient?.dataSync() ?? [], expected, `gradient to ${name}`);
    }
  });
}

/** Fails where one value is further from PyTorch's than the tolerance allows. */
export function expectNear(actual: ArrayLike<number>, { values }: TorchArray, what: string): void {
  const largest = [...values].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expectClose(actual, values, { relative: 0, absolute: TOLERANCE * largest }, what);
}

/** A copy, as some ops write into their variables. */
function variable(values: TorchArray['values'], shape: readonly number[]): tf.Variable {
  return tf.tidy(() => tf.variable(tf.tensor(Float32Array.from(values), [...shape])));
}

function integers(values: Int32Array, shape: readonly number[]): tf.Tensor {
  return tf.tensor(values, [...shape], 'int32');
}
