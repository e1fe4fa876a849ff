import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { type ModelConfig, modelConfig } from '../../core/model/config.js';
import { Policy } from '../../core/model/policy.js';
import { PolicySampler, type Sampler } from '../../core/model/sampler.js';
import { Rng, rngKey } from '../../core/rng.js';
import { PolicyTrainer } from '../../core/trainer.js';
import type { ActorUpdateOptions, Generation, Sampling, TrainSequence } from '../../core/types.js';

export const never = new AbortController().signal;

export const vocabSize = 263;

/** As small as a model can be that has grouped heads and more than one layer; its distributions are far from uniform. */
export const tinyModel = modelConfig.parse({
  hiddenSize: 16,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  intermediateSize: 32,
  maxPositionEmbeddings: 256,
  initializerRange: 0.2,
});

export interface TinyPolicy extends Disposable {
  readonly policy: Policy;
  readonly trainer: PolicyTrainer;
  readonly sampler: PolicySampler;
}

/** A real policy with a trainer and a sampler over its weights, on the current backend. */
export function openTinyPolicy(seed = 1, model: Partial<ModelConfig> = {}, tokenCount = vocabSize): TinyPolicy {
  const policy = Policy.fresh({ ...tinyModel, ...model }, tokenCount, seed);
  const trainer = new PolicyTrainer(policy);
  const sampler = new PolicySampler(policy);
  return {
    policy,
    trainer,
    sampler,
    [Symbol.dispose]() {
      sampler[Symbol.dispose]();
      trainer[Symbol.dispose]();
      policy[Symbol.dispose]();
    },
  };
}

export const tinyUpdate: ActorUpdateOptions = {
  model: 'actor',
  policyLoss: { name: 'vanilla', clipRatioLow: 0.2, clipRatioHigh: 0.2, clipRatioC: 3 },
  lossAggMode: 'token-mean',
  lossScaleFactor: 1,
  entropyCoeff: 0,
  klLossCoef: 0,
  klLossType: 'low_var_kl',
  vfCoef: 0,
  cliprangeValue: 0.5,
  shuffle: false,
  seed: 0,
  ppoEpochs: 1,
  ppoMiniBatchSize: 64,
  ppoMaxTokenLenPerGpu: 128,
  lr: 1e-3,
  weightDecay: 0.01,
  betas: [0.9, 0.95],
  gradClip: 1,
  temperature: 1,
};

export const tinySampling: Sampling = { temperature: 1, maxTokens: 6, stopTokens: [], seed: 7 };

/** Tokens that depend on the key alone. */
export function tokensOf(length: number, ...key: readonly (number | string)[]): number[] {
  const rng = new Rng(rngKey('tokens', ...key));
  return Array.from({ length }, () => rng.int(vocabSize));
}

export interface Prompt {
  readonly tokens: readonly number[];
  readonly sampling: Sampling;
}

/** Drives a sampler until every prompt is answered; prompt i joins once `joinAfter[i]` steps were made (default 0). */
export async function generateAll(
  sampler: Sampler,
  prompts: readonly Prompt[],
  joinAfter: readonly number[] = [],
): Promise<Generation[]> {
  const generations: Generation[] = [];
  for (let step = 0, left = prompts.length; left > 0; step++) {
    for (const [id, { tokens, sampling }] of prompts.entries()) {
      if ((joinAfter[id] ?? 0) === step) sampler.admit(id, tokens, sampling);
    }
    for (const { id, generation } of await sampler.step()) {
      generations[id] = generation;
      left--;
    }
  }
  return generations;
}

/** Episodes of two turns with an observation between, sampled in one batch; lengths and advantages differ. */
export async function sampleEpisodes(sampler: Sampler, count: number, temperature = 1): Promise<TrainSequence[]> {
  const contexts = Array.from({ length: count }, (_, i) => tokensOf(3 + 7 * i, 'prompt', i));
  const sampling = (turn: number, i: number) => ({
    ...tinySampling,
    temperature,
    maxTokens: 4 + i,
    seed: rngKey(turn, i),
  });
  const prompts = (turn: number) => contexts.map((tokens, i) => ({ tokens, sampling: sampling(turn, i) }));
  const first = await generateAll(sampler, prompts(0));
  const observations = contexts.map((_, i) => tokensOf(2 + 3 * i, 'observation', i));
  contexts.forEach((context, i) => {
    context.push(...first[i]!.tokens, ...observations[i]!);
  });
  const second = await generateAll(sampler, prompts(1));
  return contexts.map((context, i) => {
    const promptLength = context.length - first[i]!.tokens.length - observations[i]!.length;
    const parts = [promptLength, first[i]!, observations[i]!.length, second[i]!];
    const column = <T>(empty: T, pick: (generation: Generation) => readonly T[]): T[] =>
      parts.flatMap((part) => (typeof part === 'number' ? Array<T>(part).fill(empty) : pick(part)));
    const mask = column<0 | 1>(0, ({ tokens }) => tokens.map(() => 1));
    return {
      tokens: [...context, ...second[i]!.tokens],
      mask,
      logprobs: column(0, ({ logprobs }) => logprobs),
      advantages: mask.map((bit) => bit * (i % 2 === 0 ? 1 : -0.5)),
    };
  });
}

/** All weights as one list. */
export async function weightValues({ weights }: Policy): Promise<number[]> {
  const values: number[] = [];
  for (const variable of weights.variables) for (const value of await variable.data()) values.push(value);
  return values;
}

/** The largest absolute difference of two lists; NaN when their lengths differ. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}

/** Tensors that are alive after the work and were not before. */
export async function leakedTensors(work: () => Promise<void>): Promise<number> {
  const before = tf.memory().numTensors;
  await work();
  return tf.memory().numTensors - before;
}

export async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'verlet-policy-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
