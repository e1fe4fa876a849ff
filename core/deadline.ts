import { setMaxListeners } from 'node:events';

/**
 * An AbortSignal that follows its parent and also aborts after `timeoutMs`; dispose it to remove timer and listener.
 * Used instead of AbortSignal.any and AbortSignal.timeout, which keep both until garbage collection.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #follow = (): void => this.#controller.abort(this.#parent.reason);
  #isExpired = false;

  constructor(parent: AbortSignal, timeoutMs: number) {
    this.#parent = parent;
    setMaxListeners(0, parent); // many deadlines may follow one signal; each removes its listener
    this.#timer = setTimeout(() => this.#expire(timeoutMs), Math.min(timeoutMs, 2 ** 31 - 1));
    if (parent.aborted) this.#follow();
    else parent.addEventListener('abort', this.#follow, { once: true });
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
    this.#parent.removeEventListener('abort', this.#follow);
  }

  #expire(timeoutMs: number): void {
    if (this.#controller.signal.aborted) return;
    this.#isExpired = true;
    this.#controller.abort(new DOMException(`deadline of ${timeoutMs} ms passed`, 'TimeoutError'));
  }
}
