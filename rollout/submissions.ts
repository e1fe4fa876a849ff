import { onAbort } from '../core/on-abort.js';

/** Runs at most so many at once, in the order they were added; dispose aborts what is left and waits for it. */
export class Submissions implements AsyncDisposable {
  readonly #controller = new AbortController();
  readonly #following: Disposable;
  readonly #all: Promise<unknown>[] = [];
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(limit: number, parent: AbortSignal) {
    this.#free = limit;
    this.#following = onAbort(parent, () => this.#controller.abort(parent.reason));
  }

  /** `run` must not throw: its failure has to be part of its result. It is called even after abort. */
  add<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const result = this.#runInTurn(run);
    this.#all.push(result);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#following[Symbol.dispose]();
    this.#controller.abort(new DOMException('nobody waits for the rest', 'AbortError'));
    await Promise.allSettled(this.#all);
  }

  async #runInTurn<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    const result = await run(this.#controller.signal);
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
    return result;
  }
}
