import * as tf from '@tensorflow/tfjs-core';
import { choosePolicyLoss } from './algorithms.js';
import { Batch, type WeightedSequence } from './batch.js';
import { assert, ConfigError } from './errors.js';
import { sampledCount } from './experience.js';
import { isLossAggMode, tokenWeights } from './losses/aggregate.js';
import { microBatches } from './micro-batches.js';
import { attendWithin } from './model/attend.js';
import { decoder } from './model/decoder.js';
import type { Policy } from './model/policy.js';
import { loadPolicy, savePolicy } from './model/policy-files.js';
import { accumulate } from './tensor/accumulate.js';
import { AdamW } from './tensor/adamw.js';
import { embedding } from './tensor/embedding.js';
import { globalNorm } from './tensor/global-norm.js';
import { type HeadOutput, linearLogProbs } from './tensor/linear-log-probs.js';
import { variableGradients } from './tensor/variable-gradients.js';
import type { Metrics, Trainer, TrainSequence, UpdateOptions } from './types.js';
import { UpdateMetrics } from './update-metrics.js';

const eps = 1e-8;

/** Trains a policy in this process, with its weights shared in place. */
export class PolicyTrainer implements Trainer, Disposable {
  readonly #policy: Policy;
  readonly #optimizer: AdamW;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#optimizer = new AdamW(policy.weights.variables);
  }

  async update(sequences: readonly TrainSequence[], options: UpdateOptions, signal: AbortSignal): Promise<Metrics> {
    signal.throwIfAborted();
    checkLoss(options);
    const metrics = new UpdateMetrics();
    for (let epoch = 0; epoch < options.ppoEpochs; epoch++) {
      for (const miniBatch of chunks(sequences, options.ppoMiniBatchSize)) {
        signal.throwIfAborted();
        const gradNorm = await this.#optimizerStep(miniBatch, options, metrics, signal);
        metrics.add('actor/grad_norm', gradNorm, 1);
        metrics.endOfFirstStep();
      }
    }
    this.#policy.version += 1;
    return { ...metrics.means(), 'actor/lr': options.lr };
  }

  async publish(signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    return this.#policy.version;
  }

  async save(directory: string, signal: AbortSignal): Promise<void> {
    await savePolicy(directory, this.#policy, this.#optimizer, signal);
  }

  async load(directory: string, signal: AbortSignal): Promise<void> {
    await loadPolicy(directory, this.#policy, this.#optimizer, signal);
  }

  [Symbol.dispose](): void {
    this.#optimizer[Symbol.dispose]();
  }

  /**
   * One AdamW step on the whole mini-batch; returns the gradient's norm before clipping. A non-finite one changes nothing, and
   * neither does a mini-batch without anything to learn from: momentum and weight decay alone would move the weights.
   */
  async #optimizerStep(
    miniBatch: readonly TrainSequence[],
    options: UpdateOptions,
    metrics: UpdateMetrics,
    signal: AbortSignal,
  ): Promise<number> {
    using gradients = new GradientSum(this.#policy.weights.variables);
    let isEmpty = true;
    for (const microBatch of microBatches(weighted(miniBatch, options), options.ppoMaxTokenLenPerGpu)) {
      isEmpty = false;
      signal.throwIfAborted();
      using batch = new Batch(microBatch);
      gradients.add(this.#gradients(batch, options, metrics));
      await metrics.settle();
    }
    if (isEmpty) return 0;
    const norm = await globalNorm(gradients.sums);
    if (!Number.isFinite(norm)) return norm;
    const { lr, betas, weightDecay, gradClip } = options;
    const gradientScale = Math.min(1, gradClip / (norm + 1e-6));
    this.#optimizer.apply(gradients.sums, { lr, betas, eps, weightDecay }, gradientScale);
    return norm;
  }

  #gradients(batch: Batch, options: UpdateOptions, metrics: UpdateMetrics): tf.NamedTensorMap {
    const { value, grads } = variableGradients(() => {
      const { logProbs, entropy } = headOutput(this.#policy, batch, options.temperature);
      const { losses, metrics: parts } = choosePolicyLoss(options.policyLoss).loss({ ...batch, logProbs });
      metrics.record({ ...parts, 'actor/pg_loss': losses, 'actor/entropy': entropy }, batch, logProbs);
      const objective: tf.Tensor1D =
        options.entropyCoeff === 0 ? losses : tf.sub(losses, tf.mul(entropy, options.entropyCoeff));
      return tf.sum<tf.Scalar>(tf.mul(objective, batch.weights));
    }, this.#policy.weights.variables);
    value.dispose();
    return grads;
  }
}

/** Throws for a loss that cannot be computed. Before the gradient is taped: tfjs keeps a tape's tensors when its function throws. */
function checkLoss({ policyLoss, lossAggMode }: UpdateOptions): void {
  if (!isLossAggMode(lossAggMode)) throw new ConfigError(`unknown lossAggMode '${lossAggMode}'`);
  choosePolicyLoss(policyLoss);
}

/** Log-probs and entropies of the sampled tokens ([M] each) under the current weights. */
export function headOutput(policy: Policy, batch: Batch, temperature: number): HeadOutput {
  const { tokens, positions, offsets } = batch;
  const isCheckpointed = policy.config.enableGradientCheckpointing;
  const hidden = decoder(policy, { tokens, positions, attend: attendWithin(offsets), isCheckpointed }); // [N, C]
  const predictors = embedding(hidden, batch.predictors); // [M, C]
  const head = policy.weights.matrix('model.embed_tokens.weight'); // [V, C]
  return linearLogProbs(predictors, head, batch.targets, temperature === 0 ? 1 : temperature);
}

/**
 * The sequences to compute, with their weights in the loss of the whole mini-batch. One whose advantages are all 0 has a gradient of
 * exactly 0: it counts in the weights but is not computed.
 */
function weighted(miniBatch: readonly TrainSequence[], options: UpdateOptions): readonly WeightedSequence[] {
  assert(isLossAggMode(options.lossAggMode), `lossAggMode '${options.lossAggMode}' was not checked`);
  const weights = tokenWeights(options.lossAggMode, miniBatch.map(sampledCount), options.lossScaleFactor);
  return miniBatch
    .map((sequence, i) => ({ sequence, weight: weights[i] ?? 0 }))
    .filter(({ sequence, weight }) => weight > 0 && (options.entropyCoeff > 0 || hasAdvantage(sequence)));
}

function hasAdvantage({ mask, advantages }: TrainSequence): boolean {
  return advantages.some((advantage, t) => advantage !== 0 && mask[t] === 1);
}

function* chunks<Item>(items: readonly Item[], size: number): Iterable<Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
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
