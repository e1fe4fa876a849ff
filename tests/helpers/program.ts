import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, vi } from 'vitest';
import { TemporaryFolder } from './temporary-folder.js';

const main = resolve('dist/cli/main.js');
/** Where the compiled kernels lie: no program of a test should compile them again. */
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const patienceMs = 45_000;

/** Brings dist to what the sources say; quick where it is. */
export function build(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** How a program ended, both streams whole. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user's working directory. Whatever the programs started here put aside lies in its `tmp`. */
export class Workplace extends TemporaryFolder implements AsyncDisposable {
  readonly #programs: Program[] = [];

  constructor() {
    super();
    mkdirSync(join(this.path, 'tmp'));
    chmodSync(this.path, 0o711); // sandboxes belong to other users
  }

  /** Starts `verlet` with these words, and changes to its environment. */
  start(words: readonly string[], changes: NodeJS.ProcessEnv = {}): Program {
    const own = { HOME: this.path, TMPDIR: join(this.path, 'tmp') };
    const env = { PATH: process.env.PATH, XDG_CACHE_HOME: cache, ...own, ...changes };
    const program = new Program(
      spawn(process.execPath, [main, ...words], { cwd: this.path, env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    this.#programs.push(program);
    return program;
  }

  /** Runs `verlet` with these words to its end. */
  run(words: readonly string[], changes: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return this.start(words, changes).ended;
  }

  /** The processes started here, and their own, that live: by environment, command line or directory. */
  processes(): { readonly pid: number; readonly command: string }[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter((name) => ['environ', 'cmdline', 'cwd'].some((part) => readProc(name, part).includes(this.path)))
      .map((name) => ({ pid: Number(name), command: readProc(name, 'cmdline').replaceAll('\0', ' ') }));
  }

  /** Resolves with the id of a process whose command line fits, as soon as there is one. */
  async untilProcess(command: RegExp): Promise<number> {
    const find = () => this.processes().find((one) => command.test(one.command))?.pid;
    return (await vi.waitUntil(find, { timeout: patienceMs, interval: 5 })) ?? -1;
  }

  /** Resolves while there are sandboxes. */
  async untilSandbox(): Promise<void> {
    const isThere = () => readdirSync(join(this.path, 'tmp')).some((name) => name.startsWith('verlet-sandbox-'));
    await vi.waitUntil(isThere, { timeout: patienceMs, interval: 5 });
  }

  /** Resolves when no process lives and nothing is put aside any more. */
  async untilNothingIsLeft(timeout: number): Promise<void> {
    const expectNothing = (): void => {
      const left = { processes: this.processes(), files: readdirSync(join(this.path, 'tmp')) };
      expect(left).toEqual({ processes: [], files: [] });
    };
    await vi.waitFor(expectNothing, { timeout, interval: 20 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    for (const { pid } of this.processes()) process.kill(pid, 'SIGKILL');
    this[Symbol.dispose]();
  }
}

/** A running `verlet`; disposing kills it. */
export class Program implements AsyncDisposable {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #texts = { stdout: '', stderr: '' };

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', (part) => (this.#texts[name] += part));
    this.ended = new Promise((resolve) => child.once('close', (code) => resolve({ code, ...this.#texts })));
  }

  /** Resolves when the text stands on stdout or stderr; fails when the program ends without it. */
  async until(text: string): Promise<void> {
    const isSaid = (): boolean => Object.values(this.#texts).some((said) => said.includes(text));
    const isOver = (): boolean => this.#child.exitCode !== null || this.#child.signalCode !== null;
    await vi.waitUntil(() => isSaid() || isOver(), { timeout: patienceMs, interval: 5 });
    if (!isSaid()) throw new Error(`the program ended without "${text}": ${this.#texts.stderr}`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** Empty where the process is gone or not ours to read. */
function readProc(pid: string, part: string): string {
  try {
    const path = join('/proc', pid, part);
    return part === 'cwd' ? readlinkSync(path) : readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
