import * as tf from '@tensorflow/tfjs-core';
import { type ChosenPolicyLoss, choosePolicyLoss } from '../algorithms.js';
import type { WeightedSequence } from '../batch.js';
import { ConfigError } from '../errors.js';
import { tokenWeights } from '../losses/aggregate.js';
import { isKlPenalty, type KlPenalty, klPenalty } from '../losses/kl-penalty.js';
import type { PreparedMiniBatch } from '../losses/policy-loss.js';
import { valueLoss } from '../losses/value-loss.js';
import { Rng, rngKey } from '../rng.js';
import { sampledCount } from '../trajectories.js';
import type { ActorUpdateOptions, Metrics, TrainSequence } from '../types.js';
import { UpdateMetrics } from '../update-metrics.js';
import { checkedMode } from './checked-mode.js';
import { languageHead, predictorRows, valueHead } from './forward.js';
import { infer } from './infer.js';
import { miniBatches } from './mini-batches.js';
import type { TrainerModels } from './models.js';
import { type Objective, optimizerStep } from './optimizer-step.js';

/**
 * Optimizer steps of the policy; the loss is policy loss - entropyCoeff * entropy + klLossCoef * KL + vfCoef * value loss. A policy
 * loss that brings its own aggregation has it for itself: the other terms are aggregated as configured.
 */
export async function updateActor(
  models: TrainerModels,
  sequences: readonly TrainSequence[],
  options: ActorUpdateOptions,
  signal: AbortSignal,
): Promise<Metrics> {
  const chosen = choosePolicyLoss(options.policyLoss);
  const klLossType = checkedKlType(options);
  const metrics = new UpdateMetrics();
  const objective = actorObjective(models, { ...options, klLossType, chosen, metrics });
  let step = 0;
  for (const miniBatch of miniBatches(sequences, options, chosen)) {
    signal.throwIfAborted();
    const rng = new Rng(rngKey(options.seed, 'prepare', step++));
    const members = await prepared(models, { miniBatch, chosen, options, rng, metrics }, signal);
    const computed = members.filter((member) => isComputed(member, options, chosen));
    const norm = await optimizerStep({ objective, members: computed, options, metrics, name: 'actor' }, signal);
    metrics.endOfStep();
    metrics.add('actor/grad_norm', norm, 1);
    metrics.add('actor/skipped_steps', Number.isFinite(norm) ? 0 : 1, 1);
  }
  return { ...metrics.means(), 'actor/lr': options.lr };
}

interface ObjectiveParts extends ActorUpdateOptions {
  readonly klLossType: KlPenalty;
  readonly chosen: ChosenPolicyLoss;
  readonly metrics: UpdateMetrics;
}

function actorObjective(models: TrainerModels, options: ObjectiveParts): Objective {
  const { policy, optimizer } = models;
  const { entropyCoeff, klLossCoef, vfCoef, metrics, chosen } = options;
  const actor = { names: policy.weights.names, variables: policy.weights.variables, optimizer };
  const critic = vfCoef > 0 ? models.critic : undefined;
  return {
    parts:
      critic === undefined
        ? [actor]
        : [actor, { names: critic.weights.names, variables: critic.weights.variables, optimizer: critic.optimizer }],
    loss(batch) {
      const rows = predictorRows(policy, batch); // [M, C]
      const { logProbs, entropy } = languageHead(policy, rows, batch, options.temperature);
      const { losses, metrics: parts } = chosen.loss({ ...batch, logProbs });
      const weigh = (values: tf.Tensor1D): tf.Scalar => tf.sum(tf.mul(values, batch.termWeights));
      const pgLoss: tf.Scalar = tf.sum(tf.mul(losses, batch.weights));
      const means: { [name: string]: tf.Tensor1D } = { ...parts, 'actor/entropy': entropy };
      const sums: { [name: string]: tf.Scalar } = { 'actor/pg_loss': pgLoss };
      let total = pgLoss;
      if (entropyCoeff > 0) total = tf.sub(total, tf.mul(weigh(entropy), entropyCoeff));
      if (klLossCoef > 0) {
        sums['actor/kl_loss'] = weigh(klPenalty(options.klLossType, logProbs, batch.refLogProbs));
        total = tf.add(total, tf.mul(sums['actor/kl_loss'], klLossCoef));
      }
      if (critic !== undefined) {
        const value = valueLoss({ ...batch, vpreds: valueHead(rows, critic.head) }, options);
        sums['critic/vf_loss'] = weigh(value.losses);
        Object.assign(means, value.metrics);
        total = tf.add(total, tf.mul(sums['critic/vf_loss'], vfCoef));
      }
      metrics.record({ means, sums, compared: { logProbs, sampled: batch.oldLogProbs } });
      return total;
    },
  };
}

interface PreparationRequest {
  readonly miniBatch: readonly TrainSequence[];
  readonly chosen: ChosenPolicyLoss;
  readonly options: ActorUpdateOptions;
  readonly rng: Rng;
  readonly metrics: UpdateMetrics;
}

/** The mini-batch with its weights in the loss, and with what the loss makes of it as a whole. */
async function prepared(
  models: TrainerModels,
  given: PreparationRequest,
  signal: AbortSignal,
): Promise<WeightedSequence[]> {
  const { miniBatch, chosen, options, rng, metrics } = given;
  const counts = miniBatch.map(sampledCount);
  const mode = checkedMode(options.lossAggMode);
  const termWeights = tokenWeights(mode, counts, options.lossScaleFactor);
  const weights = tokenWeights(chosen.lossAggMode ?? mode, counts, options.lossScaleFactor);
  const members = miniBatch.map((sequence, i) => {
    return { sequence, weight: weights[i] ?? 0, termWeight: termWeights[i] ?? 0 };
  });
  if (chosen.prepare === undefined) return members;
  const { temperature, ppoMaxTokenLenPerGpu } = options;
  const { logprobs = [] } = await infer(
    models,
    miniBatch,
    { temperature, ppoMaxTokenLenPerGpu, columns: ['logprobs'] },
    signal,
  );
  const sampled = (pick: (sequence: TrainSequence, s: number) => readonly number[] | undefined): Float32Array =>
    Float32Array.from(
      miniBatch.flatMap((sequence, s) => {
        const row = pick(sequence, s);
        return sequence.mask.flatMap((isSampled, t) => (isSampled === 1 ? [row?.[t] ?? Number.NaN] : []));
      }),
    );
  const whole: PreparedMiniBatch = {
    logProbs: sampled((_, s) => logprobs[s]),
    oldLogProbs: sampled((sequence) => sequence.logprobs),
    advantages: sampled((sequence) => sequence.advantages),
    refLogProbs: sampled((sequence) => sequence.refLogprobs),
    segments: Int32Array.from(counts.flatMap((count, s) => Array<number>(count).fill(s))),
    groups: Int32Array.from(miniBatch, ({ group = 0 }) => group),
  };
  for (const [name, value] of Object.entries(chosen.miniBatchMetrics?.(whole) ?? {})) metrics.add(name, value, 1);
  const column = chosen.prepare(whole, rng);
  let first = 0;
  return members.map((member, i) => {
    const own = column.subarray(first, first + (counts[i] ?? 0));
    first += own.length;
    return { ...member, prepared: own };
  });
}

/** A sequence whose gradient is exactly 0 counts in the weights but is not computed. */
function isComputed(
  { sequence, weight }: WeightedSequence,
  { entropyCoeff, klLossCoef, vfCoef }: ActorUpdateOptions,
  { learnsWithoutAdvantage = false }: ChosenPolicyLoss,
): boolean {
  if (weight === 0) return false;
  if (learnsWithoutAdvantage || entropyCoeff > 0 || klLossCoef > 0 || vfCoef > 0) return true;
  return sequence.advantages.some((advantage, t) => advantage !== 0 && sequence.mask[t] === 1);
}

function checkedKlType({ klLossType }: ActorUpdateOptions): KlPenalty {
  if (!isKlPenalty(klLossType)) throw new ConfigError(`unknown klLossType '${klLossType}'`);
  return klLossType;
}
