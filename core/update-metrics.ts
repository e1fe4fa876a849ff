import * as tf from '@tensorflow/tfjs-core';
import type { Metrics } from './types.js';

/** What a micro-batch says; tensors belong to the caller's tidy. */
export interface RecordedParts {
  /** [M] each: reported as means over tokens. */
  readonly means: { readonly [name: string]: tf.Tensor1D };
  /** Shares of numbers of the mini-batch: summed over it, reported as means over optimizer steps. */
  readonly sums: { readonly [name: string]: tf.Scalar };
  /** Log-probs of training and of sampling, [M] each, to be compared while the weights are those that sampled. */
  readonly compared?: { readonly logProbs: tf.Tensor1D; readonly sampled: tf.Tensor1D };
}

interface Pending {
  readonly names: readonly string[];
  readonly means: tf.Tensor;
  readonly sumNames: readonly string[];
  readonly sums: tf.Tensor;
  readonly count: number;
  readonly compared: readonly tf.Tensor[];
}

/** Collects the numbers of one update, and how far training log-probs are from sampling ones. */
export class UpdateMetrics {
  readonly #sums = new Map<string, { sum: number; count: number }>();
  #stepSums = new Map<string, number>();
  #pending: Pending | undefined;
  #isFirstStep = true;
  #hasCompared = false;
  #maxDifference = 0;
  #maxProbDifference = 0;

  /** Adds `value` as the mean of `count` things. */
  add(name: string, value: number, count: number): void {
    const entry = this.#sums.get(name) ?? { sum: 0, count: 0 };
    this.#sums.set(name, { sum: entry.sum + value * count, count: entry.count + count });
  }

  /** Keeps what a micro-batch says until `settle` reads it; called inside the gradient computation. */
  record({ means, sums, compared }: RecordedParts): void {
    const [tensors, scalars] = [Object.values(means), Object.values(sums)];
    this.#pending = {
      names: Object.keys(means),
      means: tf.keep(tensors.length === 0 ? tf.tensor1d([]) : tf.stack(tensors.map((values) => tf.mean(values)))),
      sumNames: Object.keys(sums),
      sums: tf.keep(scalars.length === 0 ? tf.tensor1d([]) : tf.stack(scalars)),
      count: tensors[0]?.size ?? 0,
      compared:
        compared === undefined || !this.#isFirstStep
          ? []
          : [compared.logProbs, compared.sampled].map((values) => tf.keep(tf.clone(values))),
    };
  }

  /** Reads what `record` kept and frees it. */
  async settle(): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const { names, sumNames, count } = pending;
    const [means = [], sums = [], logProbs, sampled] = await Promise.all(
      [pending.means, pending.sums, ...pending.compared].map((values) => values.data()),
    );
    tf.dispose([pending.means, pending.sums, ...pending.compared]);
    for (const [i, name] of names.entries()) this.add(name, means[i] ?? 0, count);
    for (const [i, name] of sumNames.entries())
      this.#stepSums.set(name, (this.#stepSums.get(name) ?? 0) + (sums[i] ?? 0));
    if (logProbs !== undefined && sampled !== undefined) this.#compare(logProbs, sampled);
  }

  /** The mini-batch is through: from the first one on the weights have moved. */
  endOfStep(): void {
    for (const [name, sum] of this.#stepSums) this.add(name, sum, 1);
    this.#stepSums = new Map();
    this.#isFirstStep = false;
  }

  means(): Metrics {
    const means = Object.fromEntries([...this.#sums].map(([name, { sum, count }]) => [name, sum / count]));
    if (!this.#hasCompared) return means;
    return {
      ...means,
      'training/rollout_probs_diff_max': this.#maxProbDifference,
      'training/rollout_logprobs_diff_max': this.#maxDifference,
    };
  }

  #compare(logProbs: ArrayLike<number>, sampled: ArrayLike<number>): void {
    this.#hasCompared = true;
    for (let i = 0; i < logProbs.length; i++) {
      const [now, then] = [logProbs[i] ?? 0, sampled[i] ?? 0];
      const probDifference = Math.abs(Math.exp(now) - Math.exp(then));
      this.add('training/rollout_probs_diff_mean', probDifference, 1);
      this.#maxProbDifference = Math.max(this.#maxProbDifference, probDifference);
      this.#maxDifference = Math.max(this.#maxDifference, Math.abs(now - then));
    }
  }
}
