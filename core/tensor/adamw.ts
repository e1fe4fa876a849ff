import * as tf from '@tensorflow/tfjs-core';

export interface AdamWSettings {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  /** Decoupled; applied to matrices only, as usual for norms and biases. */
  readonly weightDecay: number;
}

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

  /** One update in place. @param gradients one a variable, of its shape */
  apply(gradients: readonly tf.Tensor[], { lr, betas: [beta1, beta2], eps, weightDecay }: AdamWSettings): void {
    this.step += 1;
    const firstScale = 1 / (1 - beta1 ** this.step);
    const secondScale = 1 / (1 - beta2 ** this.step);
    for (const [i, variable] of this.#variables.entries()) {
      const [gradient, first, second] = [gradients[i], this.#first[i], this.#second[i]];
      if (gradient === undefined || first === undefined || second === undefined)
        throw new RangeError('one gradient a variable');
      tf.tidy(() => {
        first.assign(tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1)));
        second.assign(tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
        const denominator = tf.add(tf.sqrt(tf.mul(second, secondScale)), eps);
        const direction = tf.div(tf.mul(first, firstScale), denominator);
        const decayed = variable.rank > 1 ? tf.mul(variable, 1 - lr * weightDecay) : variable;
        variable.assign(tf.sub(decayed, tf.mul(direction, lr)));
      });
    }
  }

  [Symbol.dispose](): void {
    for (const moment of [...this.#first, ...this.#second]) moment.dispose();
  }
}
