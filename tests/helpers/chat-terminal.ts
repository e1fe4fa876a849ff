import { PassThrough } from 'node:stream';
import { vi } from 'vitest';
import { builtins } from '../../cli/builtins.js';
import { runEvaluation } from '../../cli/evaluation.js';
import { main } from '../../cli/program.js';
import { runTraining } from '../../cli/training.js';
import { CollectingStream } from './cli.js';

/** A person at a terminal, before a command that runs in this process. */
export class Person implements Disposable {
  readonly exitCode: Promise<number>;
  readonly #keyboard = Object.assign(new PassThrough(), { isTTY: true });
  readonly #stdout = new CollectingStream();
  readonly #stderr = new CollectingStream();

  constructor(argv: readonly string[], signal = new AbortController().signal) {
    const io = { stdin: this.#keyboard, stdout: this.#stdout, stderr: this.#stderr, env: {} };
    this.exitCode = main(argv, io, signal, { builtins, runTraining, runEvaluation });
  }

  get answers(): string {
    return this.#stdout.text;
  }

  get notes(): string {
    return this.#stderr.text;
  }

  type(keys: string): void {
    this.#keyboard.write(keys);
  }

  /** Resolves when the program waits for the so-many-th line. */
  async untilPrompt(count: number): Promise<void> {
    await vi.waitUntil(() => this.notes.split('[0J> ').length > count, { timeout: 20_000, interval: 2 });
  }

  async untilNote(text: string): Promise<void> {
    await vi.waitUntil(() => this.notes.includes(text), { timeout: 20_000, interval: 2 });
  }

  async untilAnswer(): Promise<void> {
    await vi.waitUntil(() => this.answers !== '', { timeout: 20_000, interval: 2 });
  }

  [Symbol.dispose](): void {
    this.#keyboard.end();
  }
}
