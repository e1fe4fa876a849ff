import { type ChildProcess, type IOType, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { Deadline } from '../core/deadline.js';
import { InfrastructureError } from '../core/errors.js';
import type { ExecOptions } from '../core/types.js';
import { CappedOutput } from './capped-output.js';
import type { Command, ProgramEnd } from './command.js';
import { foreignDescriptors, openDescriptor } from './foreign-descriptors.js';
import { kill } from './kill.js';

/** How long output may stay open and silent after the program ended: only a process that left the group can hold it. */
const LINGER_MS = 100;
const MAX_REPORT_BYTES = 65_536;

/**
 * Runs a command in a process group of its own, with output capped and always drained, and kills the group at its end.
 * A timeout is a result; an abort rejects with the signal's reason once the group is gone. None of our descriptors is passed on.
 */
export async function runProgram(command: Command, options: ExecOptions, signal: AbortSignal): Promise<ProgramEnd> {
  signal.throwIfAborted();
  using deadline = new Deadline(signal, options.timeoutMs);
  const startedAt = performance.now();
  const program = new Program(command, options);
  await program.end(deadline.signal);
  signal.throwIfAborted();
  const timedOut = deadline.isExpired && program.wasCut;
  return { ...program.result(), timedOut, durationMs: performance.now() - startedAt };
}

class Program {
  readonly #child: ChildProcess;
  readonly #stdout: CappedOutput;
  readonly #stderr: CappedOutput;
  readonly #report: CappedOutput | undefined;
  #wasCut = false;
  #startError: NodeJS.ErrnoException | undefined;

  constructor(command: Command, options: ExecOptions) {
    this.#child = start(command, options.stdin !== undefined);
    this.#child.on('error', (error) => {
      this.#startError = error;
    });
    this.#stdout = new CappedOutput(this.#stream(1), options.maxOutputBytes);
    this.#stderr = new CappedOutput(this.#stream(2), options.maxOutputBytes);
    if (command.hasReport) this.#report = new CappedOutput(this.#stream(4), MAX_REPORT_BYTES);
    if (options.stdin !== undefined) this.#feed(0, options.stdin);
    if (command.feed !== undefined) this.#feed(3, command.feed);
  }

  /** Resolves when program, group and output have ended; kills the group when the program ends or `signal` aborts. */
  end(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let isOver = false;
      const cut = (): void => {
        if (isOver) return;
        this.#wasCut = true;
        this.#kill();
      };
      // One turn of the event loop later: if the loop was busy, the program's end may be waiting to be noticed.
      const cutSoon = (): void => void setImmediate(cut);
      if (signal.aborted) cutSoon();
      signal.addEventListener('abort', cutSoon, { once: true });
      this.#child.on('exit', () => {
        isOver = true;
        this.#kill();
        this.#closeWhenSilent(signal);
      });
      this.#child.on('close', () => {
        isOver = true;
        signal.removeEventListener('abort', cutSoon);
        resolve();
      });
    });
  }

  /** Whether it was killed before it ended by itself. */
  get wasCut(): boolean {
    return this.#wasCut;
  }

  result(): Omit<ProgramEnd, 'timedOut' | 'durationMs'> {
    return {
      stdout: this.#stdout.text(),
      stderr: this.#stderr.text(),
      truncated: this.#stdout.isTruncated || this.#stderr.isTruncated,
      code: this.#startError === undefined ? this.#child.exitCode : null,
      report: this.#report?.text() ?? '',
      startError: this.#startError,
    };
  }

  #stream(descriptor: 1 | 2 | 4): Readable {
    const streams: ChildProcess['stdio'] | undefined = this.#child.stdio; // missing when there were no descriptors left
    const stream = streams?.[descriptor];
    if (stream && 'read' in stream) return stream;
    throw new InfrastructureError('sandbox_died', `no pipe for descriptor ${descriptor}`, { retryable: true });
  }

  /** A program that does not read what it is fed is no error of ours. */
  #feed(descriptor: 0 | 3, contents: string | Uint8Array): void {
    const stream = this.#child.stdio[descriptor];
    if (!stream || !('end' in stream)) return;
    stream.on('error', () => stream.destroy());
    stream.end(contents);
  }

  #kill(): void {
    if (this.#child.pid !== undefined) kill(-this.#child.pid);
  }

  /** Looks again after one more turn of the event loop, so that a busy loop does not lose output that is already there. */
  #closeWhenSilent(signal: AbortSignal): void {
    const seenBytes = this.#seenBytes();
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (this.#seenBytes() !== seenBytes && !signal.aborted) this.#closeWhenSilent(signal);
        else for (const stream of this.#child.stdio) stream?.destroy();
      });
    }, LINGER_MS);
    this.#child.on('close', () => clearTimeout(timer));
  }

  #seenBytes(): number {
    return this.#stdout.seenBytes + this.#stderr.seenBytes;
  }
}

function start(command: Command, hasStdin: boolean): ChildProcess {
  using nothing = openDescriptor('/dev/null');
  const stdio: (IOType | number)[] = [
    hasStdin ? 'pipe' : 'ignore',
    'pipe',
    'pipe',
    command.feed === undefined ? 'ignore' : 'pipe',
    command.hasReport ? 'pipe' : 'ignore',
  ];
  for (const descriptor of foreignDescriptors()) {
    while (stdio.length < descriptor) stdio.push('ignore');
    if (stdio[descriptor] !== 'pipe') stdio[descriptor] = nothing.descriptor;
  }
  const { cwd, env, owner } = command;
  try {
    return spawn(command.file, command.args, { cwd, env, stdio, detached: true, ...owner });
  } catch (cause) {
    throw new InfrastructureError('sandbox_died', `cannot start ${command.file}: ${cause}`, { retryable: true, cause });
  }
}
