import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecOptions } from '../../core/types.js';
import { sandboxConfig } from '../../sandbox/config.js';
import { openSandboxProvider } from '../../sandbox/open-sandbox-provider.js';

export const never = new AbortController().signal;
export const limits: ExecOptions = { timeoutMs: 10_000, maxOutputBytes: 10_000 };

/** Why bubblewrap cannot be tested on this machine; undefined where it can. */
export async function whyNoBubblewrap(): Promise<string | undefined> {
  try {
    const { provider } = await openSandboxProvider(sandboxConfig.parse({ name: 'bubblewrap' }), never);
    await provider[Symbol.asyncDispose]();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** A temporary directory that tests of this file have to themselves; sandboxes are made in it while it lives. */
export class OwnTemporaryDirectory implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'verlet-test-'));
  readonly #before = process.env.TMPDIR;

  constructor() {
    chmodSync(this.path, 0o755);
    process.env.TMPDIR = this.path;
  }

  entries(): string[] {
    return readdirSync(this.path);
  }

  [Symbol.dispose](): void {
    if (this.#before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.#before;
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A text that no other process has in its arguments. */
export function uniqueMarker(): string {
  return `marker-${randomUUID()}`;
}

/** Number of this machine's processes with the marker in their arguments. */
export function countProcesses(marker: string): number {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && argumentsOf(pid).includes(marker)).length;
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Waits until the condition holds; false when it did not within the time. */
export async function eventually(condition: () => boolean, withinMs = 5_000): Promise<boolean> {
  const endsAt = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > endsAt) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}
