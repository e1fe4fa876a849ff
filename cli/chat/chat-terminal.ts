import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { onAbort } from '../../core/on-abort.js';
import type { Io } from '../command-context.js';

/**
 * A person at a terminal who writes lines. Ctrl-C stops an answer or throws the line away, a second one ends, as Ctrl-D does. What is
 * written during an answer shows behind it. Dispose to give the terminal back.
 */
export class ChatTerminal implements Disposable {
  readonly #stdin: Io['stdin'];
  readonly #stderr: Io['stderr'];
  readonly #echo: Echo;
  readonly #readline: Interface;
  readonly #following: Disposable;
  readonly #lines: string[] = [];
  #isClosed = false;
  /** Ctrl-C was the last key. */
  #isInterrupted = false;
  #answering: AbortController | undefined;
  #wake = (): void => undefined;
  readonly #onKey = (_text: unknown, key: { readonly ctrl?: boolean; readonly name?: string }): void => {
    if (!(key.ctrl === true && key.name === 'c')) this.#isInterrupted = false;
  };

  constructor({ stdin, stderr }: Pick<Io, 'stdin' | 'stderr'>, signal: AbortSignal) {
    this.#stdin = stdin;
    this.#stderr = stderr;
    this.#echo = new Echo(stderr);
    this.#readline = createInterface({ input: stdin, output: this.#echo, terminal: true, prompt: '> ' });
    stdin.on('keypress', this.#onKey);
    this.#readline.on('line', (line) => this.#onLine(line));
    this.#readline.on('SIGINT', () => this.#onInterrupt());
    this.#readline.on('close', () => this.#onClose());
    this.#following = onAbort(signal, () => this.#readline.close());
  }

  /** The next line; undefined when there will be none. */
  async ask(): Promise<string | undefined> {
    if (this.#lines.length === 0 && !this.#isClosed) {
      this.#readline.prompt(true);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#lines.shift();
  }

  /** Runs an answer with a signal that aborts when the person stops it or goes away. */
  async whileAnswering<Result>(run: (stopped: AbortSignal) => Promise<Result>): Promise<Result> {
    const answering = new AbortController();
    using _answering = this.#beginAnswer(answering);
    return await run(answering.signal);
  }

  /** Writes a line, none where it is empty. */
  note(line: string): void {
    if (line !== '') this.#stderr.write(`${line}\n`);
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
    this.#stdin.off('keypress', this.#onKey);
    this.#readline.close();
  }

  #beginAnswer(answering: AbortController): Disposable {
    this.#answering = answering;
    this.#echo.isMuted = true;
    if (this.#isClosed) answering.abort();
    return {
      [Symbol.dispose]: () => {
        this.#answering = undefined;
        this.#echo.isMuted = false;
      },
    };
  }

  #onLine(line: string): void {
    this.#lines.push(line);
    this.#wake();
  }

  #onInterrupt(): void {
    const isSecond = this.#isInterrupted;
    this.#isInterrupted = true;
    if (isSecond) this.#readline.close();
    else if (this.#answering !== undefined) this.#answering.abort();
    else this.#throwAway();
  }

  #throwAway(): void {
    this.#readline.write(null, { ctrl: true, name: 'u' }); // throws away what was written before the cursor
    this.#stderr.write('\n(Ctrl-C once more ends)\n');
    this.#readline.prompt();
  }

  #onClose(): void {
    this.#isClosed = true;
    if (this.#isInterrupted) this.#lines.length = 0;
    this.#answering?.abort();
    this.#stderr.write('\n');
    this.#wake();
  }
}

/** What the person sees of their own typing: nothing while an answer is written. */
class Echo extends Writable {
  isMuted = false;
  readonly #stderr: Io['stderr'];

  constructor(stderr: Io['stderr']) {
    super({ decodeStrings: false });
    this.#stderr = stderr;
  }

  /** Readline wraps lines by it. */
  get columns(): number {
    return this.#stderr.columns || 80;
  }

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    if (!this.isMuted) this.#stderr.write(String(chunk));
    done();
  }
}
