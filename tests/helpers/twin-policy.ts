import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ConfigError } from '../../core/errors.js';
import type { Sampler } from '../../core/model/sampler.js';
import { Rng, rngKey } from '../../core/rng.js';
import type {
  Generation,
  InferOptions,
  InferredColumns,
  Metrics,
  Sampling,
  Trainer,
  TrainSequence,
  UpdateOptions,
} from '../../core/types.js';
import { LocalEngine } from '../../rollout/engines/local.js';

/** A policy without tensors: next-token logits are a hash of weights and context. Deterministic, and quick. */
export class TwinWeights {
  key: number;
  version: number;
  #user: string | undefined;

  constructor(key: number, version: number) {
    this.key = key;
    this.version = version;
  }

  /** Throws when two users overlap, as trainer and sampler must not. */
  use(user: string): Disposable {
    if (this.#user !== undefined) throw new Error(`${user} uses the weights while ${this.#user} does`);
    this.#user = user;
    return {
      [Symbol.dispose]: () => {
        this.#user = undefined;
      },
    };
  }
}

const vocabSize = 16;
const maxContext = 512;

interface Decoding {
  context: number;
  readonly sampling: Sampling;
  readonly tokens: number[];
  readonly logprobs: number[];
  readonly versions: number[];
}

export class TwinSampler implements Sampler {
  readonly #weights: TwinWeights;
  readonly #sequences = new Map<number, Decoding>();
  /** Most sequences there were in one step. */
  largestBatch = 0;
  steps = 0;
  /** What the next step fails with, once. */
  failure: Error | undefined;

  constructor(weights: TwinWeights) {
    this.#weights = weights;
  }

  get size(): number {
    return this.#sequences.size;
  }

  admit(id: number, tokens: readonly number[], sampling: Sampling): void {
    using _use = this.#weights.use('admit');
    if (tokens.length >= maxContext) throw new RangeError(`${tokens.length} tokens, the context holds ${maxContext}`);
    this.#sequences.set(id, { context: rngKey(...tokens), sampling, tokens: [], logprobs: [], versions: [] });
  }

  cancel(id: number): void {
    using _use = this.#weights.use('cancel');
    this.#sequences.delete(id);
  }

  async step(): Promise<readonly { id: number; generation: Generation }[]> {
    using _use = this.#weights.use('step');
    this.steps++;
    this.largestBatch = Math.max(this.largestBatch, this.size);
    await setImmediate();
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    return [...this.#sequences].flatMap(([id, sequence]) => this.#extend(id, sequence));
  }

  [Symbol.dispose](): void {
    this.#sequences.clear();
  }

  #extend(id: number, sequence: Decoding): { id: number; generation: Generation }[] {
    const { sampling, tokens, logprobs, versions } = sequence;
    const logits = new Rng(rngKey(this.#weights.key, sequence.context));
    const allLogprobs = logSoftmax(
      Array.from({ length: vocabSize }, () => logits.normal() / (sampling.temperature || 1)),
    );
    const random = new Rng(rngKey(sampling.seed, 'token', tokens.length)).float();
    const token =
      sampling.temperature === 0 ? allLogprobs.indexOf(Math.max(...allLogprobs)) : pick(allLogprobs, random);
    tokens.push(token);
    logprobs.push(allLogprobs[token] ?? 0);
    versions.push(this.#weights.version);
    sequence.context = rngKey(sequence.context, token);
    const stopped = sampling.stopTokens.includes(token);
    if (!stopped && tokens.length < sampling.maxTokens) return [];
    this.#sequences.delete(id);
    return [{ id, generation: { tokens, logprobs, versions, finishReason: stopped ? 'stop' : 'length' } }];
  }
}

/** A trainer whose weights are the hash of all it was ever given. */
export class TwinTrainer implements Trainer {
  readonly #sampled: TwinWeights;
  #key: number;
  #version: number;

  constructor(sampled: TwinWeights) {
    this.#sampled = sampled;
    this.#key = sampled.key;
    this.#version = sampled.version;
  }

  /** A column's numbers are a hash of weights, column and context. */
  async infer(
    sequences: readonly Pick<TrainSequence, 'tokens' | 'mask'>[],
    { columns }: InferOptions,
    signal: AbortSignal,
  ): Promise<InferredColumns> {
    using _use = this.#sampled.use('infer');
    await setImmediate();
    signal.throwIfAborted();
    const number = (column: string, tokens: readonly number[]): number =>
      -new Rng(rngKey(this.#key, column, ...tokens)).float();
    const column = (name: string): number[][] =>
      sequences.map(({ tokens, mask }) => mask.map((bit, t) => (bit === 1 ? number(name, tokens.slice(0, t + 1)) : 0)));
    return Object.fromEntries(columns.map((name) => [name, column(name)]));
  }

  async update(sequences: readonly TrainSequence[], options: UpdateOptions, signal: AbortSignal): Promise<Metrics> {
    using _use = this.#sampled.use('update');
    for (let epoch = 0; epoch < options.ppoEpochs; epoch++) {
      await setImmediate();
      signal.throwIfAborted();
      for (const { tokens, mask, logprobs, advantages } of sequences) {
        this.#key = rngKey(this.#key, ...tokens, ...mask, ...logprobs, ...advantages);
      }
    }
    this.#version++;
    const scored = sequences.flatMap(({ mask, advantages }) => advantages.filter((_, i) => mask[i] === 1));
    const loss = -scored.reduce((sum, advantage) => sum + advantage, 0) / Math.max(1, scored.length);
    return { 'actor/pg_loss': loss, 'actor/grad_norm': this.#key, 'actor/lr': options.lr };
  }

  async publish(signal: AbortSignal): Promise<number> {
    using _use = this.#sampled.use('publish');
    signal.throwIfAborted();
    this.#sampled.key = this.#key;
    this.#sampled.version = this.#version;
    return this.#version;
  }

  async save(directory: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await access(directory).catch(() => {
      throw new ConfigError(`there is no directory ${directory}`);
    });
    await writeFile(join(directory, 'twin.json'), JSON.stringify([this.#key, this.#version]));
  }

  async load(directory: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const text = await readFile(join(directory, 'twin.json'), 'utf8').catch((cause) => {
      throw new ConfigError(`${directory} holds no checkpoint`, { cause });
    });
    [this.#key, this.#version] = JSON.parse(text);
  }
}

export interface TwinPolicy extends AsyncDisposable {
  readonly engine: LocalEngine;
  readonly sampler: TwinSampler;
  readonly trainer: TwinTrainer;
  readonly weights: TwinWeights;
  readonly backend: string;
  readonly version: number;
}

/** Engine and trainer over one set of twin weights, the way a policy server holds them. */
export function openTwinPolicy({ seed = 1, maxBatchSize = 8 } = {}): TwinPolicy {
  const weights = new TwinWeights(rngKey(seed, 'weights'), 0);
  const sampler = new TwinSampler(weights);
  const engine = new LocalEngine(sampler, { maxBatchSize });
  const trainer = new TwinTrainer(weights);
  const dispose = () => engine[Symbol.asyncDispose]();
  return { engine, sampler, trainer, weights, backend: 'twin', version: 0, [Symbol.asyncDispose]: dispose };
}

function logSoftmax(logits: readonly number[]): number[] {
  const logSum = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return logits.map((logit) => logit - logSum);
}

function pick(logprobs: readonly number[], random: number): number {
  let left = random;
  const index = logprobs.findIndex((logprob) => {
    left -= Math.exp(logprob);
    return left < 0;
  });
  return index < 0 ? logprobs.length - 1 : index;
}
