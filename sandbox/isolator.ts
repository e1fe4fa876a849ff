import type { Command, ProgramEnd } from './command.js';
import type { ProcessTrace } from './reap-processes.js';
import type { WorkingDirectory } from './working-directory.js';

/** What differs between two ways of confining a program on this machine. */
export interface Isolator {
  readonly name: string;
  /** How the host starts `argv` in the directory. */
  command(argv: readonly string[], directory: WorkingDirectory): Command;
  /** The program's own exit code; null for a signal or a timeout. Throws InfrastructureError when the isolator failed. */
  exitCode(end: ProgramEnd): number | null;
  /** What the processes that keep a directory's programs alive have in common. */
  trace(directory: WorkingDirectory): ProcessTrace;
  /** Whether processes can outlive a program that ended by itself; one killed while it starts always can. */
  readonly canOutlive: boolean;
}
