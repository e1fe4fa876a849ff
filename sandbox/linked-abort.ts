/** An AbortSignal that follows several others; dispose it to remove the listeners. */
export class LinkedAbort implements Disposable {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #follow = (): void => {
    const source = this.#sources.find(({ aborted }) => aborted);
    if (source !== undefined) this.#controller.abort(source.reason);
  };

  constructor(...sources: AbortSignal[]) {
    this.#sources = sources;
    for (const source of sources) source.addEventListener('abort', this.#follow, { once: true });
    this.#follow();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const source of this.#sources) source.removeEventListener('abort', this.#follow);
  }
}
