import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { Rng } from '../../core/rng.js';
import { useBackend } from '../../core/tensor/backend.js';
import { type BackendName, backendNames } from '../../core/tensor/backend-names.js';
import { expectClose } from './expect-close.js';

export type TestBackend = Exclude<BackendName, 'auto'>;

/**
 * The backends that tests of tensor code run on: those that VERLET_TEST_BACKENDS names (comma separated), each of which must load,
 * or else all of native, wasm and cpu that do.
 */
export const testBackends: readonly TestBackend[] = await chosenBackends(process.env.VERLET_TEST_BACKENDS);

/** Runs the tests once a backend, each of which must end with as many tensors as it began with. */
export function withBackends(body: (backend: TestBackend) => void): void {
  describe.each(testBackends)('on %s', (backend) => {
    let tensorsBefore = 0;
    beforeAll(async () => {
      await useBackend(backend);
    });
    beforeEach(() => {
      tensorsBefore = tf.memory().numTensors;
    });
    afterEach(() => expect(tf.memory().numTensors, 'tensors left behind').toBe(tensorsBefore));
    body(backend);
  });
}

async function chosenBackends(names: string | undefined): Promise<TestBackend[]> {
  if (names === undefined || names === '') return loadable(['native', 'wasm', 'cpu'].filter(isTestBackend));
  const chosen: TestBackend[] = [];
  for (const name of names.split(',').map((name) => name.trim())) {
    if (!isTestBackend(name)) throw new RangeError(`VERLET_TEST_BACKENDS names '${name}', not one of ${backendNames}`);
    chosen.push(await useBackend(name));
  }
  return chosen;
}

async function loadable(names: readonly TestBackend[]): Promise<TestBackend[]> {
  const loaded: TestBackend[] = [];
  for (const name of names) {
    const loads = await useBackend(name).then(
      () => true,
      () => false,
    );
    if (loads) loaded.push(name);
  }
  return loaded;
}

function isTestBackend(name: string): name is TestBackend {
  return name !== 'auto' && backendNames.some((known) => known === name);
}

/** Inputs that can be varied and differentiated, random ones uniform in [-1, 1); freed with their owner. */
export class Inputs implements Disposable {
  readonly #rng: Rng;
  readonly all: tf.Variable[] = [];

  constructor(seed: number) {
    this.#rng = new Rng(seed);
  }

  /** What `make` returns. */
  of<R extends tf.Rank>(make: () => tf.Tensor<R>): tf.Variable<R> {
    const variable = tf.tidy(() => tf.variable(make()));
    this.all.push(variable);
    return variable;
  }

  /** [n] float32 */
  vector(n: number): tf.Variable<tf.Rank.R1> {
    return this.of(() => tf.tensor1d(this.#values(n)));
  }

  /** [rows, columns] float32 */
  matrix(rows: number, columns: number): tf.Variable<tf.Rank.R2> {
    return this.of(() => tf.tensor2d(this.#values(rows * columns), [rows, columns]));
  }

  /** [a, b, c] float32 */
  cube(a: number, b: number, c: number): tf.Variable<tf.Rank.R3> {
    return this.of(() => tf.tensor3d(this.#values(a * b * c), [a, b, c]));
  }

  /** [B, T, H, D] float32 */
  heads(b: number, t: number, h: number, d: number): tf.Variable<tf.Rank.R4> {
    return this.of(() => tf.tensor4d(this.#values(b * t * h * d), [b, t, h, d]));
  }

  [Symbol.dispose](): void {
    tf.dispose(this.all);
  }

  #values(size: number): Float32Array {
    return Float32Array.from({ length: size }, () => this.#rng.float() * 2 - 1);
  }
}

/** The values of what `compute` returns; everything else it makes is freed. */
export function read(compute: () => tf.Tensor): number[] {
  return tf.tidy(() => [...compute().dataSync()]);
}

/** What f's gradient makes of `dy`, the gradient of its value: one list an input. */
export function gradients(inputs: readonly tf.Variable[], f: () => tf.Tensor, dy: readonly number[]): number[][] {
  return tf.tidy(() => {
    const { grads } = tf.variableGrads(() => {
      const value = f();
      return tf.sum<tf.Scalar>(tf.mul(value, tf.tensor([...dy], value.shape)));
    }, [...inputs]);
    return inputs.map(({ name }) => [...(grads[name]?.dataSync() ?? [])]);
  });
}

/** Gradient of sum(f · r) to each input, r random: a wrong entry anywhere in f's Jacobian shows. */
export function projectedGradients(inputs: readonly tf.Variable[], f: () => tf.Tensor): number[][] {
  return gradients(inputs, f, projection(read(f).length));
}

/**
 * Compares f's gradients with central differences. In float32 a difference over 2h is wrong by about 1e-7 |f| / h from rounding and
 * h² |f'''| / 6 from curvature; h = 2^-7 makes both about 1e-5 for values near 1, hence 1e-3 absolute and 1e-2 relative leave
 * room for sums of some tens of terms while a wrong sign, factor or term stands out. The projection is summed in float64.
 */
export function expectGradients(inputs: readonly tf.Variable[], f: () => tf.Tensor): void {
  const tolerance = { relative: 1e-2, absolute: 1e-3 };
  for (const [i, gradient] of projectedGradients(inputs, f).entries()) {
    const input = inputs[i];
    if (input !== undefined) expectClose(gradient, centralDifferences(input, f), tolerance);
  }
}

/**
 * Fails unless f of one row is that row of f of all: to the bit where this project makes sure of it, closely on the backends of
 * TensorFlow, which choose another product for a single row.
 * @param f takes the indexes of the rows it is to compute and returns one row for each
 */
export function expectRowsAlone(backend: TestBackend, rows: number, f: (rows: readonly number[]) => tf.Tensor): void {
  const tolerance = backend.startsWith('node') ? { relative: 1e-5, absolute: 1e-6 } : { relative: 0, absolute: 0 };
  const all = read(() => f(Array.from({ length: rows }, (_, row) => row)));
  const size = all.length / rows;
  for (const row of [0, Math.floor(rows / 2), rows - 1]) {
    expectClose(
      read(() => f([row])),
      all.slice(row * size, (row + 1) * size),
      tolerance,
    );
  }
}

/** The chosen rows of x. */
export function pick<R extends tf.Rank>(x: tf.Tensor<R>, rows: readonly number[]): tf.Tensor<R> {
  return tf.gather(x, tf.tensor1d([...rows], 'int32'));
}

/** Fails when f, or its gradient, leaves tensors other than its result, with nobody around it to tidy up. */
export function expectNoLeak(inputs: readonly tf.Variable[], f: () => tf.Tensor): void {
  const before = tf.memory().numTensors;
  f().dispose();
  expect(tf.memory().numTensors, 'tensors the value left').toBe(before);
  const { value, grads } = tf.variableGrads(() => tf.sum<tf.Scalar>(f()), [...inputs]);
  tf.dispose([value, grads]);
  expect(tf.memory().numTensors, 'tensors the gradient left').toBe(before);
}

function centralDifferences(input: tf.Variable, f: () => tf.Tensor): number[] {
  const values = Float32Array.from(input.dataSync());
  const gradient = [...values].map((value, i) => {
    const [above, below] = [Math.fround(value + 2 ** -7), Math.fround(value - 2 ** -7)];
    const [high, low] = [above, below].map((moved) => {
      assignValues(input, values.with(i, moved));
      return projected(f);
    });
    return ((high ?? 0) - (low ?? 0)) / (above - below);
  });
  assignValues(input, values);
  return gradient;
}

function assignValues(input: tf.Variable, values: Float32Array): void {
  tf.tidy(() => input.assign(tf.tensor(values, input.shape)));
}

function projected(f: () => tf.Tensor): number {
  const values = read(f);
  const weights = projection(values.length);
  return values.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0);
}

function projection(size: number): number[] {
  const rng = new Rng(17);
  return Array.from({ length: size }, () => rng.float() * 2 - 1);
}
