import { onAbort } from './on-abort.js';

/**
 * An AbortSignal that follows its parent and also aborts after `timeoutMs`; dispose it to remove timer and listener.
 * Used instead of AbortSignal.any and AbortSignal.timeout, which keep both until garbage collection.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #following: Disposable;
  readonly #timer: NodeJS.Timeout;
  #isExpired = false;

  constructor(parent: AbortSignal, timeoutMs: number) {
    this.#timer = setTimeout(() => this.#expire(timeoutMs), Math.min(timeoutMs, 2 ** 31 - 1));
    this.#following = onAbort(parent, () => this.#controller.abort(parent.reason));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** True when time ran out, false when the parent aborted or nothing happened yet. */
  get isExpired(): boolean {
    return this.#isExpired;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#following[Symbol.dispose]();
  }

  #expire(timeoutMs: number): void {
    if (this.#controller.signal.aborted) return;
    this.#isExpired = true;
    this.#controller.abort(new DOMException(`deadline of ${timeoutMs} ms passed`, 'TimeoutError'));
  }
}
