import type { Builtins } from './builtins.js';
import type { RunEvaluation } from './evaluation.js';
import type { TextStream } from './progress.js';
import type { RunTraining } from './training.js';

/** Where a command reads its surroundings and writes its words: results to stdout, everything else to stderr. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: NodeJS.ProcessEnv;
}

/** The parts commands are wired to. */
export interface Wiring {
  readonly builtins: Builtins;
  readonly runTraining: RunTraining;
  readonly runEvaluation: RunEvaluation;
}

/** What every command gets. */
export interface CommandContext extends Wiring {
  readonly io: Io;
  readonly signal: AbortSignal;
}

/** The examples at the end of a command's help. */
export function example(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
