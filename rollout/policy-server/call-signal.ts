import type { ServerResponse } from 'node:http';
import { onAbort } from '../../core/on-abort.js';

/** Aborts when the client goes away before it was answered and when the server closes. */
export class CallSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #response: ServerResponse;
  readonly #closing: Disposable;
  readonly #clientGone = (): void => this.#controller.abort(new DOMException('the client went away', 'AbortError'));

  constructor(response: ServerResponse, closing: AbortSignal) {
    this.#response = response;
    this.#closing = onAbort(closing, () => this.#controller.abort(closing.reason));
    if (response.destroyed) this.#clientGone();
    else response.once('close', this.#clientGone);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#closing[Symbol.dispose]();
    this.#response.removeListener('close', this.#clientGone);
  }
}
