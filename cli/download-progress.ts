import pc from 'picocolors';
import type { ResolveOptions } from '../core/model/hub/resolve-options.js';
import type { Io } from './command-context.js';
import { isWatched, type TextStream } from './progress.js';
import { bar, formatDuration, printable } from './text.js';

/** Pauses between two redrawings, and between two lines where nobody watches. */
const REDRAW_MS = 100;
const LINE_MS = 10_000;

interface Options {
  /** Nothing is written. */
  readonly isQuiet: boolean;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/**
 * Shows on stderr how far a model's download is: a bar redrawn in place on a terminal, elsewhere a line now and then. Nothing is shown
 * where nothing is downloaded. Dispose it to take the bar away.
 */
export class DownloadProgress implements Disposable {
  readonly onProgress: NonNullable<ResolveOptions['onProgress']>;

  readonly #stream: TextStream;
  readonly #isTty: boolean;
  readonly #now: () => number;
  readonly #files = new Map<string, { readonly doneBytes: number; readonly totalBytes: number }>();
  #startedAt = 0;
  #shownAt = Number.NEGATIVE_INFINITY;
  #isDrawn = false;

  constructor(
    { io: { stderr, env } }: { readonly io: Pick<Io, 'stderr' | 'env'> },
    { isQuiet, now = () => performance.now() }: Options,
  ) {
    this.#stream = stderr;
    this.#isTty = isWatched(stderr, env);
    this.#now = now;
    this.onProgress = isQuiet ? () => {} : (file, doneBytes, totalBytes) => this.#show(file, { doneBytes, totalBytes });
  }

  [Symbol.dispose](): void {
    if (this.#isDrawn) this.#stream.write('\r\u001b[2K');
    this.#isDrawn = false;
    if (!this.#isTty && this.#files.size > 0) {
      const { doneBytes } = this.#sum();
      this.#stream.write(`downloaded ${formatBytes(doneBytes)} in ${formatDuration(this.#now() - this.#startedAt)}\n`);
    }
    this.#files.clear();
  }

  #show(file: string, bytes: { readonly doneBytes: number; readonly totalBytes: number }): void {
    const now = this.#now();
    if (this.#files.size === 0) this.#startedAt = now;
    this.#files.set(file, bytes);
    if (now - this.#shownAt < (this.#isTty ? REDRAW_MS : LINE_MS)) return;
    this.#shownAt = now;
    if (this.#isTty) this.#redraw(file, now);
    else this.#stream.write(`downloading ${printable(file)}: ${this.#amount()}\n`);
  }

  #redraw(file: string, now: number): void {
    const columns = Math.max(20, (this.#stream.columns ?? 80) - 1);
    const { doneBytes, totalBytes } = this.#sum();
    const bytesPerMs = doneBytes / Math.max(1, now - this.#startedAt);
    const rest = `${formatBytes(bytesPerMs * 1000)}/s, ${formatDuration((totalBytes - doneBytes) / bytesPerMs)} left`;
    const text = `${bar(doneBytes, totalBytes, 20)}  ${this.#amount()}  ${rest}  ${printable(file)}`;
    const colors = pc.createColors(this.#isTty);
    const line = [...`download  ${text}`].slice(0, columns).join('');
    this.#stream.write(`\r\u001b[2K${line.replace('download', colors.bold('download'))}`);
    this.#isDrawn = true;
  }

  #amount(): string {
    const { doneBytes, totalBytes } = this.#sum();
    return `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  }

  #sum(): { readonly doneBytes: number; readonly totalBytes: number } {
    const files = [...this.#files.values()];
    return {
      doneBytes: files.reduce((sum, file) => sum + file.doneBytes, 0),
      totalBytes: files.reduce((sum, file) => sum + file.totalBytes, 0),
    };
  }
}

/** `512 B`, `3.4 kB`, `812.0 MB`, `14.9 GB`. */
function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const exponent = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** exponent).toFixed(exponent === 0 ? 0 : 1)} ${units[exponent]}`;
}
