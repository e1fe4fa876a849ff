/** How long work may take to clean up after its signal aborted, before it is left to itself. */
const GRACE_MS = 500;

/** The work's result; rejects with the signal's reason shortly after an abort that the work ignores. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  using aborted = new Aborted(signal);
  return await Promise.race([work, aborted.promise]);
}

class Aborted implements Disposable {
  readonly promise: Promise<never>;
  readonly #signal: AbortSignal;
  #onAbort: () => void = () => {};
  #grace: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.promise = new Promise((_, reject) => {
      this.#onAbort = () => {
        this.#grace = setTimeout(() => reject(signal.reason), GRACE_MS);
      };
    });
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#grace);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}
