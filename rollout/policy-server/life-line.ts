import type { Readable } from 'node:stream';

/** Aborts when the process is asked to end, or its parent has gone and with it the other end of stdin. */
export class LifeLine implements Disposable {
  readonly #controller = new AbortController();
  readonly #stdin: Readable;
  readonly #cut = (): void => this.#controller.abort(new DOMException('asked to end', 'AbortError'));

  constructor(stdin: Readable) {
    this.#stdin = stdin;
    for (const event of ['end', 'close', 'error']) stdin.on(event, this.#cut);
    stdin.resume();
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, this.#cut);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const event of ['end', 'close', 'error']) this.#stdin.removeListener(event, this.#cut);
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.removeListener(name, this.#cut);
    this.#stdin.pause();
  }
}
