import type {
  InferOptions,
  InferredColumns,
  Metrics,
  Trainer,
  TrainSequence,
  UpdateOptions,
} from '../../core/types.js';
import { PolicyClient, type PolicyClientOptions } from '../policy-server/client.js';
import { encodeInfer, encodeUpdate } from '../policy-server/update-frames.js';
import { emptySchema, inferredSchema, metricsSchema, publishedSchema } from '../policy-server/wire.js';

/** The trainer of a policy server somewhere else; directories are paths on the server's machine. */
export class HttpTrainer implements Trainer, AsyncDisposable {
  readonly #client: PolicyClient;

  constructor(url: string, options: PolicyClientOptions) {
    this.#client = new PolicyClient(url, options);
  }

  async infer(
    sequences: readonly Pick<TrainSequence, 'tokens' | 'mask'>[],
    options: InferOptions,
    signal: AbortSignal,
  ): Promise<InferredColumns> {
    return this.#client.call({ path: '/infer', body: encodeInfer(sequences, options), answer: inferredSchema }, signal);
  }

  async update(sequences: readonly TrainSequence[], options: UpdateOptions, signal: AbortSignal): Promise<Metrics> {
    const body = encodeUpdate(sequences, options);
    return this.#client.call({ path: '/update', body, answer: metricsSchema }, signal);
  }

  async publish(signal: AbortSignal): Promise<number> {
    const { version } = await this.#client.call({ path: '/publish', body: {}, answer: publishedSchema }, signal);
    return version;
  }

  async save(directory: string, signal: AbortSignal): Promise<void> {
    await this.#client.call({ path: '/save', body: { directory }, answer: emptySchema }, signal);
  }

  async load(directory: string, signal: AbortSignal): Promise<void> {
    await this.#client.call({ path: '/load', body: { directory }, answer: emptySchema }, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }
}
