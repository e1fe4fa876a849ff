import type { Generation, Sampling } from '../types.js';

/** A continuous batch of sequences being decoded over one set of weights. One owner calls it, one call at a time. */
export interface Sampler extends Disposable {
  /** Sequences being decoded. */
  readonly size: number;
  /** The sequence joins the batch at the next step; throws ConfigError or RangeError for tokens beyond the context. */
  admit(id: number, tokens: readonly number[], sampling: Sampling): void;
  /** The sequence leaves the batch; does nothing for an id that is not in it. */
  cancel(id: number): void;
  /** One token for every sequence (prefill for the new ones); returns those that finished, which leave the batch. */
  step(): Promise<readonly { id: number; generation: Generation }[]>;
}
