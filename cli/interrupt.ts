/** Why a run was stopped from outside: `message` is for the person who did, `exitCode` how the program ends. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(cause: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE') {
    super(`${cause}: finishing cleanly; once more to stop at once`);
    this.exitCode = 128 + { SIGHUP: 1, SIGINT: 2, SIGPIPE: 13, SIGTERM: 15 }[cause];
  }
}

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP, or when the reader of stdout or stderr goes away; the second signal ends
 * the process at once. Dispose to stop listening.
 */
export class InterruptSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #onSignal = (name: NodeJS.Signals): void => {
    if (name !== 'SIGINT' && name !== 'SIGTERM' && name !== 'SIGHUP') return;
    const reason = new Interrupted(name);
    if (this.#controller.signal.aborted) process.exit(reason.exitCode);
    this.#controller.abort(reason);
  };
  readonly #onPipeError = (error: Error): void => {
    if (!('code' in error) || error.code !== 'EPIPE') throw error;
    this.#controller.abort(new Interrupted('SIGPIPE'));
  };

  constructor() {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, this.#onSignal);
    for (const stream of [process.stdout, process.stderr]) stream.on('error', this.#onPipeError);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, this.#onSignal);
    for (const stream of [process.stdout, process.stderr]) stream.off('error', this.#onPipeError);
  }
}
