import type { DistributionCut } from '../tensor/cut-distribution.js';
import { type KvPages, pageLength } from '../tensor/kv-pages.js';
import type { Generation, Sampling } from '../types.js';

/** A prompt is read in pieces that end at multiples of this, whoever else is in the batch. */
const chunkLength = 512;

interface NewToken {
  readonly token: number;
  readonly logprob: number;
  readonly samplingLogprob?: number;
  readonly version: number;
}

/** A sequence of the sampler: its tokens, and the pages that hold the keys and values of those that were read. */
export class PagedSequence implements Disposable {
  readonly sampling: Sampling;
  readonly pages: number[] = [];
  readonly #pool: KvPages;
  readonly #context: number[];
  readonly #promptLength: number;
  readonly #logprobs: number[] = [];
  readonly #samplingLogprobs: number[] = [];
  readonly #versions: number[] = [];
  #cached = 0;

  constructor(prompt: readonly number[], sampling: Sampling, pool: KvPages) {
    this.sampling = sampling;
    this.#pool = pool;
    this.#context = [...prompt];
    this.#promptLength = prompt.length;
  }

  /** Positions whose keys and values are in the pages. */
  get cached(): number {
    return this.#cached;
  }

  get sampledCount(): number {
    return this.#context.length - this.#promptLength;
  }

  /** The tokens it was given so far. */
  get sampled(): readonly number[] {
    return this.#context.slice(this.#promptLength);
  }

  get cut(): DistributionCut {
    const { topK = 0, topP = 1, minP = 0 } = this.sampling;
    return { topK, topP, minP };
  }

  /** The tokens to read next; never none. */
  next(): readonly number[] {
    const chunkEnd = (Math.floor(this.#cached / chunkLength) + 1) * chunkLength;
    return this.#context.slice(this.#cached, chunkEnd);
  }

  /** Whether all is read once `count` more tokens are. */
  isReadAfter(count: number): boolean {
    return this.#cached + count === this.#context.length;
  }

  /** Makes sure that there are pages for `count` more positions. */
  reserve(count: number): void {
    while (this.pages.length * pageLength < this.#cached + count) this.pages.push(this.#pool.alloc());
  }

  /** Call when `count` more tokens were read in every layer. */
  advance(count: number): void {
    this.#cached += count;
  }

  push({ token, logprob, samplingLogprob, version }: NewToken): void {
    this.#context.push(token);
    this.#logprobs.push(logprob);
    if (samplingLogprob !== undefined) this.#samplingLogprobs.push(samplingLogprob);
    this.#versions.push(version);
  }

  /** What was sampled, once it has ended. */
  generation(): Generation | undefined {
    const tokens = this.sampled;
    const last = tokens[tokens.length - 1];
    const isStopped = last !== undefined && this.sampling.stopTokens.includes(last);
    if (!isStopped && tokens.length < this.sampling.maxTokens) return undefined;
    const sampled = { tokens, logprobs: this.#logprobs, versions: this.#versions };
    const cut = this.#samplingLogprobs.length > 0 ? { samplingLogprobs: this.#samplingLogprobs } : {};
    return { ...sampled, ...cut, finishReason: isStopped ? 'stop' : 'length' };
  }

  [Symbol.dispose](): void {
    for (const page of this.pages.splice(0)) this.#pool.free(page);
  }
}
