import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Deadline } from '../../core/deadline.js';
import { InfrastructureError } from '../../core/errors.js';
import { log } from '../../core/log.js';
import type { PolicyServerConfig } from './config.js';
import { errorOf } from './failures.js';
import { failureSchema } from './wire.js';

/** A policy server in a process of its own; disposing ends the process. */
export interface PolicyServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** The tensor backend it chose. */
  readonly backend: string;
  /** Aborts with an InfrastructureError `engine_gone` when the process has ended, whatever the cause. */
  readonly gone: AbortSignal;
}

export interface SpawnOptions {
  /** The program to run: it calls runPolicyProcess. */
  readonly entry?: URL;
  /** How long the process may take until it listens. */
  readonly startTimeoutMs?: number;
}

/**
 * Starts a policy server and resolves when it listens; throws what the server says it failed with (ConfigError or
 * InfrastructureError), `engine_gone` when it dies without a word. The signal covers the start only.
 */
export async function spawnPolicyServer(
  config: PolicyServerConfig,
  { entry = new URL('./main.js', import.meta.url), startTimeoutMs = 120_000 }: SpawnOptions,
  signal: AbortSignal,
): Promise<PolicyServerProcess> {
  signal.throwIfAborted();
  const server = new ServerProcess(fileURLToPath(entry), config);
  using deadline = new Deadline(signal, startTimeoutMs);
  try {
    const { pid, gone } = server;
    const { url, backend } = await server.listening(deadline.signal);
    return { url, backend, pid, gone, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  } catch (cause) {
    await server[Symbol.asyncDispose]();
    if (signal.aborted) throw signal.reason;
    if (!deadline.isExpired) throw cause;
    const message = `the policy server did not listen within ${startTimeoutMs} ms`;
    throw new InfrastructureError('deadline', message, { retryable: true, cause });
  }
}

const reportOfListening = z.strictObject({ url: z.url(), backend: z.string() });
const reportSchema = z.union([reportOfListening, failureSchema.strict()]);

class ServerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #stdout: Readable;
  readonly #stopTimeoutMs: number;
  readonly #gone = new AbortController();

  constructor(entry: string, config: PolicyServerConfig) {
    // Our own program with our own rights: it gets our environment (CUDA and library paths, caches, tokens of hubs).
    // A group of its own, so that Ctrl-C reaches the controller alone, which then ends the server in order.
    const child = spawn(process.execPath, [entry, JSON.stringify(config)], { stdio: 'pipe', detached: true });
    this.#child = child;
    this.#stopTimeoutMs = config.stopTimeoutMs;
    this.#stdout = child.stdout;
    child.once('error', (cause) => this.#markGone(`could not be started: ${cause.message}`));
    child.once('exit', (code, name) =>
      this.#markGone(name === null ? `ended with code ${code}` : `was ended by ${name}`),
    );
    child.stdin.on('error', () => {}); // the life line: nothing is written, and its breaking shows as the exit
    createInterface({ input: child.stderr }).on('line', forward);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Where it listens and what it computes on; throws the failure that it reports instead. */
  async listening(signal: AbortSignal): Promise<z.infer<typeof reportOfListening>> {
    const report = parseReport(await this.#firstLine(signal));
    if ('url' in report) return report;
    throw errorOf(report.failure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#gone.signal.aborted) return;
    const gone = once(this.#gone.signal, 'abort');
    this.#kill('SIGTERM');
    const killer = setTimeout(() => this.#kill('SIGKILL'), this.#stopTimeoutMs);
    await gone;
    clearTimeout(killer);
  }

  /** The first line on stdout; what follows it is dropped, so that it never fills the pipe. */
  async #firstLine(signal: AbortSignal): Promise<string> {
    const line = await firstLine(this.#stdout, signal);
    this.#stdout.resume();
    if (line !== undefined) return line;
    signal.throwIfAborted();
    if (!this.gone.aborted) await once(this.gone, 'abort', { signal });
    throw this.gone.reason;
  }

  #markGone(fate: string): void {
    if (this.gone.aborted) return;
    const message = `the policy server (pid ${this.pid}) ${fate}`;
    this.#gone.abort(new InfrastructureError('engine_gone', message, { retryable: true }));
  }

  /** Only while the process is known to live: its id may belong to another one later. */
  #kill(name: 'SIGTERM' | 'SIGKILL'): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, name);
  }
}

async function firstLine(stream: Readable, signal: AbortSignal): Promise<string | undefined> {
  for await (const line of createInterface({ input: stream, signal })) return line;
  return undefined;
}

function parseReport(line: string): z.infer<typeof reportSchema> {
  try {
    return reportSchema.parse(JSON.parse(line));
  } catch (cause) {
    const message = `the policy server's first line is neither an address nor a failure: ${line.slice(0, 200)}`;
    throw new InfrastructureError('engine_bad_answer', message, { retryable: false, cause });
  }
}

/** A line that core/log wrote in the other process keeps its level; anything else is a warning. */
function forward(line: string): void {
  const level = levelSchema.safeParse(line.split(' ', 2)[1]);
  log(level.success ? level.data : 'warn', 'policy_server', { line });
}

const levelSchema = z.enum(['debug', 'info', 'warn', 'error']);
