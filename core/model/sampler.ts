import * as tf from '@tensorflow/tfjs-core';
import { isCut } from '../tensor/cut-distribution.js';
import { embedding } from '../tensor/embedding.js';
import { KvPages } from '../tensor/kv-pages.js';
import { sampleTokens } from '../tensor/sample-tokens.js';
import type { Generation, Sampling } from '../types.js';
import { attendToPages } from './attend.js';
import { decoder } from './decoder.js';
import { PagedSequence } from './paged-sequence.js';
import type { Policy } from './policy.js';
import { rowSampling, type SamplerPass, samplerPass } from './sampler-pass.js';

/** A continuous batch over one set of weights: sequences join and leave between steps. One owner makes one call at a time. */
export interface Sampler extends Disposable {
  /** Sequences in the batch. */
  readonly size: number;
  /** Joins the batch at the next step. Throws RangeError when prompt and maxTokens do not fit the context or a token is unknown. */
  admit(id: number, tokens: readonly number[], sampling: Sampling): void;
  /** Leaves the batch without a result; unknown ids are ignored. */
  cancel(id: number): void;
  /** One forward pass: samples a token for every sequence whose prompt has been read by then; returns those that finished with it. */
  step(): Promise<readonly { readonly id: number; readonly generation: Generation }[]>;
}

/** Samples from a policy with pages of keys and values; what a sequence gets does not depend on who shares its batch. */
export class PolicySampler implements Sampler {
  readonly #policy: Policy;
  readonly #pages: KvPages;
  /** In the order they were admitted. */
  readonly #sequences = new Map<number, PagedSequence>();

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#pages = new KvPages(policy.config);
  }

  get size(): number {
    return this.#sequences.size;
  }

  /** Pages of keys and values that sequences of the batch hold. */
  get pagesInUse(): number {
    return this.#pages.used;
  }

  admit(id: number, tokens: readonly number[], sampling: Sampling): void {
    const { contextLength: longest, vocabSize } = this.#policy;
    if (tokens.length === 0) throw new RangeError('the prompt is empty');
    if (tokens.length + sampling.maxTokens > longest) {
      throw new RangeError(
        `prompt of ${tokens.length} and ${sampling.maxTokens} new tokens exceed the context of ${longest}`,
      );
    }
    const unknown = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= vocabSize);
    if (unknown !== undefined) throw new RangeError(`token ${unknown} is not in the vocabulary of ${vocabSize}`);
    this.cancel(id);
    this.#sequences.set(id, new PagedSequence(tokens, sampling, this.#pages));
  }

  /** What a sequence of the batch was given so far; undefined when there is none of that id. */
  sampled(id: number): readonly number[] | undefined {
    return this.#sequences.get(id)?.sampled;
  }

  cancel(id: number): void {
    this.#sequences.get(id)?.[Symbol.dispose]();
    this.#sequences.delete(id);
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#sequences.keys()]) this.cancel(id);
  }

  async step(): Promise<readonly { readonly id: number; readonly generation: Generation }[]> {
    if (this.size === 0) return [];
    const pass = samplerPass([...this.#sequences.values()], this.#pages);
    await this.#sample(pass);
    const finished = [...this.#sequences].flatMap(([id, sequence]) => {
      const generation = sequence.generation();
      return generation === undefined ? [] : [{ id, generation }];
    });
    for (const { id } of finished) this.cancel(id);
    return finished;
  }

  /** Runs the pass and gives each sequence that has now been read its next token. */
  async #sample(pass: SamplerPass): Promise<void> {
    const { version } = this.#policy;
    const sampled = this.#run(pass);
    const [tokens, logProbs, samplingLogProbs] = await Promise.all(sampled.map((tensor) => tensor.data()));
    tf.dispose(sampled);
    if (logProbs?.some(Number.isNaN)) throw new RangeError('logits are not finite: the weights have diverged');
    for (const { sequence, count } of pass.parts) sequence.advance(count);
    for (const [row, sequence] of pass.sampling.entries()) {
      const [token = 0, logprob = 0, samplingLogprob = 0] = [tokens?.[row], logProbs?.[row], samplingLogProbs?.[row]];
      sequence.push({ token, logprob, version, ...(isCut(sequence.cut) && { samplingLogprob }) });
    }
  }

  /** Tokens, log-probs and sampling log-probs, one of each a sequence that samples; no tensor where none does. */
  #run(pass: SamplerPass): tf.Tensor1D[] {
    return tf.tidy(() => {
      const hidden = decoder(this.#policy, {
        tokens: tf.tensor1d(pass.tokens, 'int32'),
        positions: tf.tensor1d(pass.positions, 'int32'),
        attend: attendToPages(pass.cached),
        isCheckpointed: false,
      }); // [N, C]
      if (pass.sampling.length === 0) return [];
      const last = embedding(hidden, tf.tensor1d(pass.lastRows, 'int32')); // [S, C]
      const { config, weights } = this.#policy;
      const { tokens, logProbs, samplingLogProbs } = sampleTokens(
        last,
        weights.head,
        rowSampling(pass.sampling),
        config.finalLogitSoftcapping,
      );
      return [tokens, logProbs, samplingLogProbs];
    });
  }
}
