import { setImmediate } from 'node:timers/promises';
import { ConfigError, InfrastructureError } from '../../core/errors.js';
import type { Sampler } from '../../core/model/sampler.js';
import { onAbort } from '../../core/on-abort.js';
import type { Generation, InferenceEngine, Sampling } from '../../core/types.js';

/** An engine that can stand still while something else uses its weights. */
export interface PausableEngine extends InferenceEngine {
  /** Resolves once no step is in flight; no step starts until the handle is disposed. Calls in flight stay and wait. */
  pause(signal: AbortSignal): Promise<Disposable>;
}

export interface LocalEngineOptions {
  /** Sequences decoded at once, at least 1; further calls wait in the order they came. */
  readonly maxBatchSize: number;
}

interface Call {
  readonly tokens: readonly number[];
  readonly sampling: Sampling;
  resolve(generation: Generation): void;
  reject(reason: unknown): void;
}

/** The engine in the process that holds the weights: drives a sampler, which it owns, for as long as there are calls. */
export class LocalEngine implements PausableEngine, AsyncDisposable {
  readonly #sampler: Sampler;
  readonly #maxBatchSize: number;
  readonly #waiting = new Map<number, Call>();
  readonly #decoding = new Map<number, Call>();
  /** Still in the sampler though nobody waits for them: the sampler is touched between steps only. */
  readonly #abandoned = new Set<number>();
  #nextId = 0;
  #pauses = 0;
  #loop: Promise<void> | undefined;
  #isDisposed = false;

  constructor(sampler: Sampler, options: LocalEngineOptions) {
    this.#sampler = sampler;
    this.#maxBatchSize = options.maxBatchSize;
  }

  async generate(tokens: readonly number[], sampling: Sampling, signal: AbortSignal): Promise<Generation> {
    signal.throwIfAborted();
    if (this.#isDisposed) throw engineGone();
    const id = this.#nextId++;
    const generation = new Promise<Generation>((resolve, reject) => {
      this.#waiting.set(id, { tokens, sampling, resolve, reject });
    });
    using _abort = onAbort(signal, () => this.#abandon(id, signal.reason));
    this.#wake();
    return await generation;
  }

  async pause(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    this.#pauses++;
    let isPaused = true;
    const resume = (): void => {
      if (!isPaused) return;
      isPaused = false;
      this.#pauses--;
      this.#wake();
    };
    await this.#loop;
    if (!signal.aborted) return { [Symbol.dispose]: resume };
    resume();
    throw signal.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const call of [...this.#waiting.values(), ...this.#decoding.values()]) call.reject(engineGone());
    this.#waiting.clear();
    this.#decoding.clear();
    await this.#loop;
    this.#sampler[Symbol.dispose]();
  }

  #wake(): void {
    if (this.#loop === undefined && this.#isRunnable()) this.#loop = this.#run();
  }

  #isRunnable(): boolean {
    const hasWork = this.#waiting.size + this.#decoding.size + this.#abandoned.size > 0;
    return hasWork && this.#pauses === 0 && !this.#isDisposed;
  }

  async #run(): Promise<void> {
    await setImmediate(); // calls made in one go start in one batch
    while (this.#isRunnable()) {
      try {
        this.#dropAbandoned();
        this.#admitWaiting();
        if (this.#decoding.size > 0) await this.#step();
      } catch (cause) {
        this.#failDecoding(cause);
      }
      await setImmediate(); // whoever serves these calls in the same process gets its turn
    }
    this.#loop = undefined;
  }

  #dropAbandoned(): void {
    for (const id of this.#abandoned) {
      this.#abandoned.delete(id);
      this.#sampler.cancel(id);
    }
  }

  #admitWaiting(): void {
    for (const [id, call] of this.#waiting) {
      if (this.#decoding.size >= this.#maxBatchSize) return;
      this.#waiting.delete(id);
      try {
        this.#sampler.admit(id, call.tokens, call.sampling);
        this.#decoding.set(id, call);
      } catch (cause) {
        call.reject(asRefusal(cause));
      }
    }
  }

  async #step(): Promise<void> {
    for (const { id, generation } of await this.#sampler.step()) {
      this.#abandoned.delete(id);
      this.#decoding.get(id)?.resolve(generation);
      this.#decoding.delete(id);
    }
  }

  #failDecoding(cause: unknown): void {
    for (const [id, call] of this.#decoding) {
      this.#abandoned.add(id);
      call.reject(new InfrastructureError('engine_failed', `decoding failed: ${cause}`, { retryable: true, cause }));
    }
    this.#decoding.clear();
  }

  #abandon(id: number, reason: unknown): void {
    const call = this.#waiting.get(id) ?? this.#decoding.get(id);
    if (call === undefined) return;
    this.#waiting.delete(id);
    if (this.#decoding.delete(id)) this.#abandoned.add(id);
    call.reject(reason);
    this.#wake();
  }
}

/** What the sampler says about one call's tokens: final, so that nobody tries the same tokens again. */
function asRefusal(cause: unknown): unknown {
  if (cause instanceof ConfigError || cause instanceof InfrastructureError) return cause;
  return new InfrastructureError('call_refused', `the sampler refused the call: ${cause}`, { retryable: false, cause });
}

function engineGone(): InfrastructureError {
  return new InfrastructureError('engine_gone', 'the engine has been shut down', { retryable: true });
}
