import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { Deadline } from '../core/deadline.js';
import { onAbort } from '../core/on-abort.js';
import type { Json } from '../core/types.js';
import { peakMemoryBytes } from './machine.js';

const keptCharacters = 4000;
const stopTimeoutMs = 5000;
const answerTimeoutMs = 30 * 60_000;

const reply = z.union([z.strictObject({ answer: z.json() }), z.strictObject({ error: z.string() })]);

/**
 * One side of a comparison: a process of its own that answers one JSON line with one JSON line and waits in between, so that
 * sides take turns on the same cores. Disposing ends it and whatever it started.
 */
export class Side implements AsyncDisposable {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #said = '';

  /** @param environment added to ours: it is our own program or the user's own Python */
  constructor(name: string, [program, ...words]: readonly [string, ...string[]], environment: NodeJS.ProcessEnv) {
    const env = { ...process.env, ...environment };
    const child = spawn(program, words, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.#name = name;
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.on('error', ({ message }) => this.#keep(message));
    child.stdin.on('error', () => {}); // it has ended, which the missing answer tells
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
  }

  /** Sends a request and parses the answer. Throws what the other side says went wrong, or its last words if it has died. */
  async ask<Answer>(request: Json, schema: z.ZodType<Answer>, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    using deadline = new Deadline(signal, answerTimeoutMs);
    using _killing = onAbort(deadline.signal, () => this.#kill('SIGKILL'));
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    deadline.signal.throwIfAborted();
    if (line.done) throw new Error(`${this.#name} has ended; its last words:\n${this.#said.trimEnd()}`);
    const said = reply.parse(JSON.parse(line.value));
    if ('error' in said) throw new Error(`${this.#name}: ${said.error}`);
    return schema.parse(said.answer);
  }

  /** See peakMemoryBytes; null once the process has ended. */
  get peakMemoryBytes(): number | null {
    return this.#child.pid === undefined ? null : peakMemoryBytes(this.#child.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.pid === undefined || !this.#isAlive) return;
    const ended = once(this.#child, 'close');
    this.#child.stdin?.end();
    const killer = setTimeout(() => this.#kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(killer);
  }

  get #isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #keep(text: string): void {
    this.#said = (this.#said + text).slice(-keptCharacters);
  }

  /** Its whole group: compilers that PyTorch started go too. */
  #kill(name: NodeJS.Signals): void {
    if (this.#child.pid !== undefined && this.#isAlive) process.kill(-this.#child.pid, name);
  }
}
