import { setLogSink } from '../core/log.js';
import type { Io } from './command-context.js';
import { isWatched, Progress } from './progress.js';

/** A progress on stderr that log lines go through, so that they never tear its block; dispose to give stderr back. */
export class TerminalProgress implements Disposable {
  readonly progress: Progress;

  constructor({ stderr, env }: Pick<Io, 'stderr' | 'env'>, { isQuiet }: { readonly isQuiet: boolean }) {
    this.progress = isQuiet
      ? new Progress({ write: () => true }, { isTty: false })
      : new Progress(stderr, { isTty: isWatched(stderr, env) });
    setLogSink(isQuiet ? (line) => stderr.write(`${line}\n`) : (line) => this.progress.note(line));
  }

  [Symbol.dispose](): void {
    setLogSink();
    this.progress[Symbol.dispose]();
  }
}
