import type { Readable } from 'node:stream';

const stdinEvents = ['end', 'close', 'error'] as const;
const signalNames = ['SIGTERM', 'SIGINT'] as const;

/**
 * Aborts when the process is asked to end, or its parent has gone and with it the other end of stdin. Ends the process
 * by itself when that has not led to disposal within `forceAfterMs`: there may be no parent left to kill it.
 */
export class LifeLine implements Disposable {
  readonly #controller = new AbortController();
  readonly #stdin: Readable;
  readonly #forceAfterMs: number;
  readonly #cut = (): void => this.#abort();
  #force: NodeJS.Timeout | undefined;

  constructor(stdin: Readable, forceAfterMs: number) {
    this.#stdin = stdin;
    this.#forceAfterMs = forceAfterMs;
    for (const event of stdinEvents) stdin.on(event, this.#cut);
    stdin.resume();
    for (const name of signalNames) process.on(name, this.#cut);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const event of stdinEvents) this.#stdin.removeListener(event, this.#cut);
    for (const name of signalNames) process.removeListener(name, this.#cut);
    this.#stdin.pause();
    clearTimeout(this.#force);
  }

  #abort(): void {
    if (this.#controller.signal.aborted) return;
    this.#force = setTimeout(() => process.exit(1), this.#forceAfterMs);
    this.#controller.abort(new DOMException('asked to end', 'AbortError'));
  }
}
