import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './batch.js';
import type { Metrics } from './types.js';

/** Collects the numbers of one update: token means of what the loss reports, and how far training log-probs are from sampling ones. */
export class UpdateMetrics {
  readonly #sums = new Map<string, { sum: number; count: number }>();
  #pending: { names: readonly string[]; table: tf.Tensor; logProbs: tf.Tensor; old: tf.Tensor } | undefined;
  #isFirstStep = true;
  #maxDifference = 0;
  #maxProbDifference = 0;

  /** Adds `value` as the mean of `count` things. */
  add(name: string, value: number, count: number): void {
    const entry = this.#sums.get(name) ?? { sum: 0, count: 0 };
    this.#sums.set(name, { sum: entry.sum + value * count, count: entry.count + count });
  }

  /** Keeps the tensors of a micro-batch ([M] each) until `settle` reads them; called inside the gradient computation. */
  record(parts: { readonly [name: string]: tf.Tensor1D }, batch: Batch, logProbs: tf.Tensor1D): void {
    const names = Object.keys(parts);
    const table = tf.keep(tf.stack(names.map((name) => tf.mean(parts[name] ?? logProbs))));
    this.#pending = { names, table, logProbs: tf.keep(tf.clone(logProbs)), old: batch.oldLogProbs };
  }

  /** Reads what `record` kept and frees it. */
  async settle(): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const [means, logProbs, old] = await Promise.all([
      pending.table.data(),
      pending.logProbs.data(),
      pending.old.data(),
    ]);
    tf.dispose([pending.table, pending.logProbs]);
    for (const [i, name] of pending.names.entries()) this.add(name, means[i] ?? 0, logProbs.length);
    if (this.#isFirstStep) this.#compare(logProbs, old);
  }

  /** From here on the weights have moved: log-probs are no longer compared with the sampler's. */
  endOfFirstStep(): void {
    this.#isFirstStep = false;
  }

  means(): Metrics {
    const means = Object.fromEntries([...this.#sums].map(([name, { sum, count }]) => [name, sum / count]));
    return {
      ...means,
      'training/rollout_probs_diff_max': this.#maxProbDifference,
      'training/rollout_logprobs_diff_max': this.#maxDifference,
    };
  }

  #compare(logProbs: ArrayLike<number>, old: ArrayLike<number>): void {
    for (let i = 0; i < logProbs.length; i++) {
      const [now, then] = [logProbs[i] ?? 0, old[i] ?? 0];
      const probDifference = Math.abs(Math.exp(now) - Math.exp(then));
      this.add('training/rollout_probs_diff_mean', probDifference, 1);
      this.#maxProbDifference = Math.max(this.#maxProbDifference, probDifference);
      this.#maxDifference = Math.max(this.#maxDifference, Math.abs(now - then));
    }
  }
}
