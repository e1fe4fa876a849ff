import type { Generation, InferenceEngine, Sampling } from '../../core/types.js';
import { PolicyClient, type PolicyClientOptions } from '../policy-server/client.js';
import { generationSchema } from '../policy-server/wire.js';

/** The engine of a policy server somewhere else. */
export class HttpEngine implements InferenceEngine, AsyncDisposable {
  readonly #client: PolicyClient;

  constructor(url: string, options: PolicyClientOptions) {
    this.#client = new PolicyClient(url, options);
  }

  generate(tokens: readonly number[], sampling: Sampling, signal: AbortSignal): Promise<Generation> {
    return this.#client.call({ path: '/generate', body: { tokens, sampling }, answer: generationSchema }, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }
}
