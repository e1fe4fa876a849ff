import * as tf from '@tensorflow/tfjs-core';
import { Batch, type WeightedSequence } from '../batch.js';
import { log } from '../log.js';
import { accumulate } from '../tensor/accumulate.js';
import type { AdamW } from '../tensor/adamw.js';
import { globalNorm } from '../tensor/global-norm.js';
import { variableGradients } from '../tensor/variable-gradients.js';
import type { OptimizerPasses } from '../types.js';
import type { UpdateMetrics } from '../update-metrics.js';
import type { TokenBudget } from './token-budget.js';

const eps = 1e-8;

/** Variables with their names and their optimizer. */
export interface ObjectivePart {
  readonly names: readonly string[];
  readonly variables: readonly tf.Variable[];
  readonly optimizer: AdamW;
}

/** What an optimizer step descends. */
export interface Objective {
  /** What is trained, each group of variables by its own optimizer. */
  readonly parts: readonly ObjectivePart[];
  /** The loss of a micro-batch, of which the mini-batch's is the sum; called inside the gradient computation. */
  loss(batch: Batch): tf.Scalar;
}

export interface OptimizerStep {
  readonly objective: Objective;
  readonly members: readonly WeightedSequence[];
  readonly options: OptimizerPasses;
  readonly tokenBudget: TokenBudget;
  readonly metrics: UpdateMetrics;
  /** What a skipped step is called in the log. */
  readonly name: string;
}

/**
 * One AdamW step on a whole mini-batch, accumulated over micro-batches; returns the gradient's norm before clipping. A loss or a
 * gradient that is not finite changes nothing and is logged with where it arose, and so does a mini-batch without anything to
 * learn from: momentum and weight decay alone would move the weights.
 */
export async function optimizerStep(step: OptimizerStep, signal: AbortSignal): Promise<number> {
  const { objective, members, options, metrics, tokenBudget, name: kind } = step;
  const variables = objective.parts.flatMap((part) => part.variables);
  using gradients = new GradientSum(variables);
  let isEmpty = true;
  for (const microBatch of tokenBudget.passes({
    kind,
    members,
    limit: options,
    fixedBytes: gradientBytes(variables),
  })) {
    isEmpty = false;
    signal.throwIfAborted();
    using batch = new Batch(microBatch);
    const { value, grads } = variableGradients(() => objective.loss(batch), variables);
    value.dispose();
    gradients.add(grads);
    await metrics.settle();
  }
  if (isEmpty) return 0;
  const norm = await globalNorm(gradients.sums);
  if (!Number.isFinite(norm)) {
    log('warn', 'optimizer_step_skipped', {
      model: step.name,
      reason: await firstNonFinite(objective, gradients.sums),
    });
    return norm;
  }
  const { lr, betas, weightDecay, gradClip } = options;
  const gradientScale = Math.min(1, gradClip / (norm + 1e-6));
  let first = 0;
  for (const { optimizer, variables } of objective.parts) {
    const own = gradients.sums.slice(first, first + variables.length);
    optimizer.apply(own, { lr, betas, eps, weightDecay }, gradientScale);
    first += variables.length;
  }
  return norm;
}

/** Of the gradients of a pass, and of the largest of them while it is added up. */
function gradientBytes(variables: readonly tf.Variable[]): number {
  const sizes = variables.map(({ size }) => 4 * size);
  return sizes.reduce((sum, bytes) => sum + bytes, 0) + Math.max(0, ...sizes);
}

/** What is to blame, in words: a weight that was broken before, or else the first gradient. */
async function firstNonFinite({ parts }: Objective, gradients: readonly tf.Tensor[]): Promise<string> {
  const names = parts.flatMap((part) => part.names);
  const weights = parts.flatMap((part) => part.variables);
  for (const [what, tensors] of [
    ['weight', weights],
    ['gradient of', gradients],
  ] as const) {
    for (const [i, tensor] of tensors.entries()) {
      const bad = (await tensor.data()).find((value) => !Number.isFinite(value));
      if (bad !== undefined) return `the ${what} ${names[i]} holds ${bad}`;
    }
  }
  return 'the norm of the gradient overflows';
}

/** Gradients summed over micro-batches, one a variable; owns its tensors. */
class GradientSum implements Disposable {
  readonly #variables: readonly tf.Variable[];
  /** The gradients of the only micro-batch, until there is a second. */
  #first: tf.Tensor[] = [];
  #sums: tf.Variable[] = [];

  constructor(variables: readonly tf.Variable[]) {
    this.#variables = variables;
  }

  get sums(): readonly tf.Tensor[] {
    return this.#sums.length > 0 ? this.#sums : this.#first;
  }

  /** Takes over the gradients, by their variables' names. */
  add(gradients: tf.NamedTensorMap): void {
    const added = this.#variables.map((variable) => gradients[variable.name] ?? tf.zerosLike(variable));
    if (this.#first.length === 0 && this.#sums.length === 0) {
      this.#first = added;
      return;
    }
    for (const [i, gradient] of added.entries()) {
      const [first, sum] = [this.#first[i], this.#sums[i]];
      if (sum !== undefined) accumulate(sum, gradient);
      if (first !== undefined) this.#sums.push(tf.tidy(() => tf.variable(tf.add(first, gradient), false)));
      tf.dispose([gradient, ...(first === undefined ? [] : [first])]);
    }
    this.#first = [];
  }

  [Symbol.dispose](): void {
    tf.dispose([...this.#first, ...this.#sums]);
  }
}
