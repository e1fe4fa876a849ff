import { InfrastructureError } from '../core/errors.js';
import type { Sandbox, SandboxProvider } from '../core/types.js';

/** One episode's sandbox: made at the first call, shared by later calls, gone after dispose even if it was still being made. */
export class LazySandbox implements AsyncDisposable {
  readonly #provider: SandboxProvider;
  #sandbox: Promise<Sandbox> | undefined;
  #isDisposed = false;

  constructor(provider: SandboxProvider) {
    this.#provider = provider;
  }

  /** Throws what the provider throws, and tries again at the next call; InfrastructureError `episode_over` after dispose. */
  get(signal: AbortSignal): Promise<Sandbox> {
    if (this.#isDisposed) return Promise.reject(episodeOver());
    this.#sandbox ??= this.#create(signal);
    return this.#sandbox;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    const [made] = await Promise.allSettled(this.#sandbox === undefined ? [] : [this.#sandbox]);
    this.#sandbox = undefined;
    if (made?.status === 'fulfilled') await made.value[Symbol.asyncDispose]();
  }

  async #create(signal: AbortSignal): Promise<Sandbox> {
    try {
      return await this.#provider.create(signal);
    } catch (error) {
      this.#sandbox = undefined;
      throw error;
    }
  }
}

function episodeOver(): InfrastructureError {
  return new InfrastructureError('episode_over', 'a sandbox was asked for after the episode had ended', {
    retryable: false,
  });
}
