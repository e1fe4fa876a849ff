import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../rng.js';
import type { Generation, Sampling } from '../types.js';
import { attendWithin } from './attend.js';
import { decoder } from './decoder.js';
import { attendToCaches, KvCache, recordInto } from './kv-cache.js';
import type { Policy } from './policy.js';
import { sampleToken } from './sample-token.js';

/** A continuous batch over one set of weights: sequences join and leave between steps. One owner makes one call at a time. */
export interface Sampler extends Disposable {
  /** Sequences in the batch. */
  readonly size: number;
  /** Joins the batch at the next step. Throws RangeError when prompt and maxTokens do not fit the context or a token is unknown. */
  admit(id: number, tokens: readonly number[], sampling: Sampling): void;
  /** Leaves the batch without a result; unknown ids are ignored. */
  cancel(id: number): void;
  /** Samples one token for every sequence and returns those that finished with it. */
  step(): Promise<readonly { readonly id: number; readonly generation: Generation }[]>;
}

/** Rows a prefill pass is padded to a multiple of, so that a sequence's numbers do not depend on its neighbours' lengths. */
const lengthMultiple = 32;
/** Bounds the memory of one prefill pass; longer queues are split. */
const maxPrefillTokens = 8192;

interface Sequence {
  readonly id: number;
  readonly prompt: readonly number[];
  readonly sampling: Sampling;
  readonly rng: Rng;
  readonly cache: KvCache;
  readonly tokens: number[];
  readonly logprobs: number[];
  readonly versions: number[];
}

/** Samples from a policy with a KV cache a sequence; what a sequence gets does not depend on who shares its batch. */
export class PolicySampler implements Sampler {
  readonly #policy: Policy;
  #waiting: Sequence[] = [];
  #running: Sequence[] = [];

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  get size(): number {
    return this.#waiting.length + this.#running.length;
  }

  admit(id: number, tokens: readonly number[], sampling: Sampling): void {
    const { config, vocabSize } = this.#policy;
    const longest = config.maxPositionEmbeddings;
    if (tokens.length === 0) throw new RangeError('the prompt is empty');
    if (tokens.length + sampling.maxTokens > longest) {
      throw new RangeError(
        `prompt of ${tokens.length} and ${sampling.maxTokens} new tokens exceed the context of ${longest}`,
      );
    }
    const unknown = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= vocabSize);
    if (unknown !== undefined) throw new RangeError(`token ${unknown} is not in the vocabulary of ${vocabSize}`);
    const cache = new KvCache(config, tokens.length + sampling.maxTokens);
    const rng = new Rng(sampling.seed);
    this.#waiting.push({ id, prompt: [...tokens], sampling, rng, cache, tokens: [], logprobs: [], versions: [] });
  }

  cancel(id: number): void {
    this.#waiting = this.#waiting.filter((sequence) => sequence.id !== id);
    this.#running = this.#running.filter((sequence) => sequence.id !== id);
  }

  [Symbol.dispose](): void {
    this.#waiting = [];
    this.#running = [];
  }

  async step(): Promise<readonly { readonly id: number; readonly generation: Generation }[]> {
    const decoding = this.#running;
    const passes = [...prefillPasses(this.#waiting)];
    this.#running = [...decoding, ...this.#waiting];
    this.#waiting = [];
    if (decoding.length > 0) await this.#sample(decoding, () => this.#decode(decoding));
    for (const pass of passes) await this.#sample(pass, () => this.#prefill(pass));
    const finished = this.#running.flatMap((sequence) => {
      const generation = finish(sequence);
      return generation === undefined ? [] : [{ id: sequence.id, generation }];
    });
    const ids = new Set(finished.map(({ id }) => id));
    this.#running = this.#running.filter(({ id }) => !ids.has(id));
    return finished;
  }

  /** Turns the last hidden state of each sequence ([n, C]) into its next token. */
  async #sample(sequences: readonly Sequence[], hidden: () => tf.Tensor2D): Promise<void> {
    const { weights, vocabSize, version } = this.#policy;
    const logits = tf.tidy(() => tf.matMul(hidden(), tf.transpose(weights.matrix('model.embed_tokens.weight')))); // [n, V]
    const values = await logits.data();
    logits.dispose();
    sequences.forEach((sequence, row) => {
      const { token, logprob } = sampleToken(
        values.subarray(row * vocabSize, (row + 1) * vocabSize),
        sequence.sampling.temperature,
        sequence.rng,
      );
      sequence.tokens.push(token);
      sequence.logprobs.push(logprob);
      sequence.versions.push(version);
    });
  }

  #decode(sequences: readonly Sequence[]): tf.Tensor2D {
    const caches = sequences.map(({ cache }) => cache);
    const tokens = tf.tensor1d(
      Int32Array.from(sequences, ({ tokens }) => tokens[tokens.length - 1] ?? 0),
      'int32',
    ); // [n]
    const hidden = decoder(
      this.#policy,
      tokens,
      caches.map(({ length }) => length),
      attendToCaches(caches),
    ); // [n, C]
    for (const cache of caches) cache.advance(1);
    return hidden;
  }

  #prefill(sequences: readonly Sequence[]): tf.Tensor2D {
    const lengths = sequences.map(({ prompt }) => prompt.length);
    const width = roundUp(Math.max(...lengths));
    const tokens = new Int32Array(sequences.length * width); // [n, width], padded on the right
    for (const [row, { prompt }] of sequences.entries()) tokens.set(prompt, row * width);
    const positions = Array.from(tokens, (_, i) => i % width);
    const caches = sequences.map(({ cache }) => cache);
    const attend = recordInto(caches, lengths, attendWithin(sequences.length, width));
    const hidden = decoder(this.#policy, tf.tensor1d(tokens, 'int32'), positions, attend); // [n * width, C]
    for (const { cache, prompt } of sequences) cache.advance(prompt.length);
    return tf.gather(
      hidden,
      tf.tensor1d(
        lengths.map((length, row) => row * width + length - 1),
        'int32',
      ),
    );
  }
}

/** Splits what waits, in order of arrival, into passes of at most maxPrefillTokens padded tokens. */
function* prefillPasses(waiting: readonly Sequence[]): Iterable<Sequence[]> {
  let pass: Sequence[] = [];
  let width = 0;
  for (const sequence of waiting) {
    const own = roundUp(sequence.prompt.length);
    if (pass.length > 0 && Math.max(width, own) * (pass.length + 1) > maxPrefillTokens) {
      yield pass;
      pass = [];
      width = 0;
    }
    pass.push(sequence);
    width = Math.max(width, own);
  }
  if (pass.length > 0) yield pass;
}

function finish({ tokens, logprobs, versions, sampling }: Sequence): Generation | undefined {
  const last = tokens[tokens.length - 1];
  const isStopped = last !== undefined && sampling.stopTokens.includes(last);
  if (!isStopped && tokens.length < sampling.maxTokens) return undefined;
  return { tokens, logprobs, versions, finishReason: isStopped ? 'stop' : 'length' };
}

function roundUp(length: number): number {
  return Math.ceil(length / lengthMultiple) * lengthMultiple;
}
