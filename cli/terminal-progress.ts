import { setLogSink } from '../core/log.js';
import type { CommandContext } from './command-context.js';
import { Interrupted } from './interrupt.js';
import { isWatched, Progress, type TextStream } from './progress.js';

interface Options {
  /** Only log lines and the answer to an interruption. */
  readonly isQuiet: boolean;
}

/**
 * A progress on stderr that log lines and the answer to an interruption go through, so that they never tear its block;
 * dispose to give stderr back.
 */
export class TerminalProgress implements Disposable, TextStream {
  readonly progress: Progress;

  readonly #signal: AbortSignal;
  readonly #say: (line: string) => void;
  readonly #onAbort = (): void => {
    const { reason } = this.#signal;
    if (reason instanceof Interrupted) this.#say(reason.message);
  };

  constructor({ io: { stderr, env }, signal }: Pick<CommandContext, 'io' | 'signal'>, { isQuiet }: Options) {
    this.progress = isQuiet
      ? new Progress({ write: () => true }, { isTty: false })
      : new Progress(stderr, { isTty: isWatched(stderr, env) });
    this.#say = isQuiet ? (line) => void stderr.write(`${line}\n`) : (line) => this.progress.note(line);
    setLogSink(this.#say);
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Whole lines that stay, also where there is no progress. */
  write(text: string): void {
    this.#say(text.replace(/\n$/, ''));
  }

  [Symbol.dispose](): void {
    setLogSink();
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.progress[Symbol.dispose]();
  }
}
