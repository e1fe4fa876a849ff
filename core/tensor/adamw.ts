import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes.js';
import { fusedKernel } from './fused-kernel.js';

export interface AdamWSettings {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  /** Decoupled; applied to matrices only, as usual for norms and biases. */
  readonly weightDecay: number;
}

type Inputs = { variable: tf.Variable; gradient: tf.Tensor; first: tf.Variable; second: tf.Variable };
/** What one update of a variable takes besides tensors. */
export type AdamWStep = {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** 1 for the first update. */
  step: number;
  /** The gradient is multiplied by it first. */
  gradientScale: number;
};

/** Changes variable, first and second in place. */
const kernel = fusedKernel('AdamW', ({ variable, gradient, first, second }: Inputs, settings: AdamWStep): [] => {
  const { lr, beta1, beta2, eps, weightDecay, step, gradientScale } = settings;
  const scaled = tf.mul(gradient, gradientScale);
  first.assign(tf.add(tf.mul(first, beta1), tf.mul(scaled, 1 - beta1)));
  second.assign(tf.add(tf.mul(second, beta2), tf.mul(tf.square(scaled), 1 - beta2)));
  const denominator = tf.add(tf.sqrt(tf.mul(second, 1 / (1 - beta2 ** step))), eps);
  const direction = tf.div(tf.mul(first, 1 / (1 - beta1 ** step)), denominator);
  variable.assign(tf.sub(tf.mul(variable, 1 - lr * weightDecay), tf.mul(direction, lr)));
  return [];
});

/**
 * AdamW (Loshchilov & Hutter, arXiv:1711.05101, algorithm 2) over a fixed list of variables, float32.
 * Owns the two moments of each variable and the step count; the caller owns variables and gradients.
 */
export class AdamW implements Disposable {
  readonly #variables: readonly tf.Variable[];
  readonly #first: readonly tf.Variable[];
  readonly #second: readonly tf.Variable[];
  step = 0;

  constructor(variables: readonly tf.Variable[]) {
    this.#variables = variables;
    this.#first = variables.map((variable) => tf.tidy(() => tf.variable(tf.zerosLike(variable), false)));
    this.#second = variables.map((variable) => tf.tidy(() => tf.variable(tf.zerosLike(variable), false)));
  }

  /** First and second moment of each variable, in the variables' order. */
  get moments(): { readonly first: readonly tf.Variable[]; readonly second: readonly tf.Variable[] } {
    return { first: this.#first, second: this.#second };
  }

  /**
   * One update in place. Throws RangeError before anything is changed when the gradients do not fit.
   * @param gradients one a variable, of its shape
   * @param gradientScale what every gradient is multiplied by first, as clipping does
   */
  apply(gradients: readonly tf.Tensor[], settings: AdamWSettings, gradientScale = 1): void {
    const updates = this.#updates(gradients);
    const { lr, betas, eps, weightDecay } = settings;
    this.step += 1;
    for (const update of updates) {
      kernel.run(update, {
        lr,
        beta1: betas[0],
        beta2: betas[1],
        eps,
        weightDecay: update.variable.rank > 1 ? weightDecay : 0,
        step: this.step,
        gradientScale,
      });
    }
  }

  [Symbol.dispose](): void {
    for (const moment of [...this.#first, ...this.#second]) moment.dispose();
  }

  #updates(gradients: readonly tf.Tensor[]): Inputs[] {
    return this.#variables.map((variable, i) => {
      const [gradient, first, second] = [gradients[i], this.#first[i], this.#second[i]];
      if (gradient === undefined || first === undefined || second === undefined)
        throw new RangeError(`AdamW: one gradient a variable; got ${gradients.length} for ${this.#variables.length}`);
      const isSameShape = tf.util.arraysEqual(gradient.shape, variable.shape);
      checkShapes('AdamW', { variable, gradient }, { 'a gradient has the shape of its variable': isSameShape });
      return { variable, gradient, first, second };
    });
  }
}
