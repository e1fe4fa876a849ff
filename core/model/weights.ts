import * as tf from '@tensorflow/tfjs-core';
import { assert } from '../errors.js';
import { isMatrix, isVector } from './tensor-ranks.js';
import { embeddingName, headName } from './weight-shapes.js';

type Variables = ReadonlyMap<string, tf.Variable>;

/** Float32 tensors by their Hugging Face names, some or all of which are trained. */
export class Weights implements Disposable {
  readonly #trained: Variables;
  readonly #frozen: Variables;
  readonly #ownsFrozen: boolean;

  /** Owns what is trained; the frozen tensors too unless they are lent. */
  constructor(trained: Variables, frozen: Variables = new Map(), { ownsFrozen = true } = {}) {
    this.#trained = trained;
    this.#frozen = frozen;
    this.#ownsFrozen = ownsFrozen;
  }

  /** What is trained, in the order of creation, which is also the order of gradients and optimizer state. */
  get variables(): readonly tf.Variable[] {
    return [...this.#trained.values()];
  }

  /** Names of what is trained. */
  get names(): readonly string[] {
    return [...this.#trained.keys()];
  }

  /** Bytes of all tensors. */
  get sizeBytes(): number {
    const all = [...this.#trained.values(), ...this.#frozen.values()];
    return all.reduce((sum, { size }) => sum + size * Float32Array.BYTES_PER_ELEMENT, 0);
  }

  /** Undefined where the model has no such weight. */
  find(name: string): tf.Variable | undefined {
    return this.#trained.get(name) ?? this.#frozen.get(name);
  }

  get(name: string): tf.Variable {
    const variable = this.find(name);
    assert(variable !== undefined, `no weight named ${name}`);
    return variable;
  }

  isTrained(name: string): boolean {
    return this.#trained.has(name);
  }

  /** [Out, In] */
  matrix(name: string): tf.Tensor2D {
    const variable = this.get(name);
    assert(isMatrix(variable), `${name} has shape [${variable.shape}], not two axes`);
    return variable;
  }

  /** [C] */
  vector(name: string): tf.Tensor1D {
    const variable = this.get(name);
    assert(isVector(variable), `${name} has shape [${variable.shape}], not one axis`);
    return variable;
  }

  /** [V, C]: the language-model head, which may be the embedding. */
  get head(): tf.Tensor2D {
    return this.matrix(this.#headName);
  }

  get isHeadTrained(): boolean {
    return this.isTrained(this.#headName);
  }

  get #headName(): string {
    return this.find(headName) === undefined ? embeddingName : headName;
  }

  /** Copies of what is trained, `added` behind them, over the same frozen tensors, which must live as long. */
  fork(added: Variables = new Map()): Weights {
    const copies = [...this.#trained].map(
      ([name, variable]) => [name, tf.tidy(() => tf.variable(tf.add(variable, 0), true))] as const,
    );
    return new Weights(new Map([...copies, ...added]), this.#frozen, { ownsFrozen: false });
  }

  /** The frozen tensors alone, which must live as long. */
  withoutTrained(): Weights {
    return new Weights(new Map(), this.#frozen, { ownsFrozen: false });
  }

  [Symbol.dispose](): void {
    for (const variable of this.#trained.values()) variable.dispose();
    if (this.#ownsFrozen) for (const variable of this.#frozen.values()) variable.dispose();
  }
}
