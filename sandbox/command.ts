import type { Owner } from './owner.js';

/** A program as the host starts it, confinement included. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly cwd: string;
  readonly owner: Owner | undefined;
  /** Bytes the program's starter finds on descriptor 3; absent = descriptor 3 is not given. */
  readonly feed?: Uint8Array;
  /** Whether the starter reports on descriptor 4. */
  readonly hasReport: boolean;
}

/** How a started command ended. */
export interface ProgramEnd {
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly durationMs: number;
  /** Null when a signal ended it or it never started. */
  readonly code: number | null;
  readonly timedOut: boolean;
  /** What the starter wrote on descriptor 4. */
  readonly report: string;
  /** Why the command could not be started at all. */
  readonly startError: NodeJS.ErrnoException | undefined;
}
