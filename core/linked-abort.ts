import { onAbort } from './on-abort.js';

/** An AbortSignal that follows several others; dispose it to remove the listeners. */
export class LinkedAbort implements Disposable {
  readonly #controller = new AbortController();
  readonly #following: readonly Disposable[];

  constructor(...sources: AbortSignal[]) {
    this.#following = sources.map((source) => onAbort(source, () => this.#controller.abort(source.reason)));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const following of this.#following) following[Symbol.dispose]();
  }
}
