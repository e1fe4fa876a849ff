import { onAbort } from '../../on-abort.js';

/** An AbortSignal that follows its parent and also aborts when nothing was heard for `idleMs`; dispose it to remove timer and listener. */
export class IdleDeadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #following: Disposable;
  readonly #timer: NodeJS.Timeout;

  constructor(parent: AbortSignal, idleMs: number) {
    this.#timer = setTimeout(() => this.#expire(idleMs), idleMs);
    this.#following = onAbort(parent, () => this.#controller.abort(parent.reason));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something was heard: the time begins anew. */
  refresh(): void {
    if (!this.#controller.signal.aborted) this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#following[Symbol.dispose]();
  }

  #expire(idleMs: number): void {
    this.#controller.abort(new DOMException(`nothing was heard for ${idleMs} ms`, 'TimeoutError'));
  }
}
