import { availableParallelism } from 'node:os';
import { InfrastructureError } from '../core/errors.js';
import { LinkedAbort } from '../core/linked-abort.js';
import type { ExecOptions, ExecResult, Sandbox, SandboxProvider } from '../core/types.js';
import type { SandboxConfig } from './config.js';
import type { Isolator } from './isolator.js';
import { type Owner, ownerOf } from './owner.js';
import { ProgramSlots } from './program-slots.js';
import { reapProcesses } from './reap-processes.js';
import { runProgram } from './run-program.js';
import { WorkingDirectory } from './working-directory.js';

/** Sandboxes on this machine: a temporary directory each, programs confined by an isolator, a bounded number of them at once. */
export class LocalProvider implements SandboxProvider {
  readonly #isolator: Isolator;
  readonly #maxFileBytes: number;
  readonly #slots: ProgramSlots;
  readonly #sandboxes = new Set<LocalSandbox>();
  #created = 0;
  #isDisposed = false;

  constructor(isolator: Isolator, config: SandboxConfig) {
    this.#isolator = isolator;
    this.#maxFileBytes = config.maxFileMb * 1024 * 1024;
    this.#slots = new ProgramSlots(config.concurrency || 2 * availableParallelism());
  }

  get name(): string {
    return this.#isolator.name;
  }

  async create(signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted();
    if (this.#isDisposed) throw disposed('sandbox provider');
    const directory = await makeDirectory(ownerOf(this.#created++), this.#maxFileBytes);
    const sandbox = new LocalSandbox(this.#isolator, directory, this.#slots, () => this.#sandboxes.delete(sandbox));
    this.#sandboxes.add(sandbox);
    if (!this.#isDisposed && !signal.aborted) return sandbox;
    await sandbox[Symbol.asyncDispose]();
    throw signal.aborted ? signal.reason : disposed('sandbox provider');
  }

  /** Disposes every sandbox that still lives. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await Promise.all([...this.#sandboxes].map((sandbox) => sandbox[Symbol.asyncDispose]()));
  }
}

class LocalSandbox implements Sandbox {
  readonly #isolator: Isolator;
  readonly #directory: WorkingDirectory;
  readonly #slots: ProgramSlots;
  readonly #onDisposed: () => void;
  readonly #life = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  /** Programs that may have left processes behind. */
  #leaving = 0;
  #removal: Promise<void> | undefined;

  constructor(isolator: Isolator, directory: WorkingDirectory, slots: ProgramSlots, onDisposed: () => void) {
    this.#isolator = isolator;
    this.#directory = directory;
    this.#slots = slots;
    this.#onDisposed = onDisposed;
  }

  exec(argv: readonly string[], options: ExecOptions, signal: AbortSignal): Promise<ExecResult> {
    return this.#whileAlive(signal, async (signal) => {
      using _slot = await this.#slots.acquire(signal);
      await this.#directory.unlock();
      this.#leaving += 1;
      const end = await runProgram(this.#isolator.command(argv, this.#directory), options, signal);
      if (!end.timedOut && !this.#isolator.canOutlive) this.#leaving -= 1;
      const exitCode = end.timedOut ? null : this.#isolator.exitCode(end);
      const { stdout, stderr, timedOut, truncated, durationMs } = end;
      return { stdout, stderr, exitCode, timedOut, truncated, durationMs };
    });
  }

  readFile(path: string, signal: AbortSignal): Promise<string> {
    return this.#whileAlive(signal, (signal) => this.#directory.read(path, signal));
  }

  writeFile(path: string, contents: string, signal: AbortSignal): Promise<void> {
    return this.#whileAlive(signal, (signal) => this.#directory.write(path, contents, signal));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#removal ??= this.#remove();
    return this.#removal;
  }

  async #whileAlive<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    using link = new LinkedAbort(signal, this.#life.signal);
    link.signal.throwIfAborted();
    const running = work(link.signal);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #remove(): Promise<void> {
    this.#life.abort(disposed('sandbox'));
    await Promise.allSettled(this.#running);
    if (this.#leaving > 0) await reapProcesses(this.#isolator.trace(this.#directory));
    await this.#directory[Symbol.asyncDispose]();
    this.#onDisposed();
  }
}

async function makeDirectory(owner: Owner | undefined, maxFileBytes: number): Promise<WorkingDirectory> {
  try {
    return await WorkingDirectory.create(owner, maxFileBytes);
  } catch (cause) {
    throw new InfrastructureError('sandbox_files', `cannot make a sandbox directory: ${cause}`, {
      retryable: true,
      cause,
    });
  }
}

function disposed(what: string): InfrastructureError {
  return new InfrastructureError('sandbox_disposed', `the ${what} was disposed`, { retryable: false });
}
