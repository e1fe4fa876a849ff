import { basename } from 'node:path';
import { Command, CommanderError } from 'commander';
import { Interrupted } from '../cli/interrupt.js';
import { ConfigError } from '../core/errors.js';
import { useBackend } from '../core/tensor/backend.js';
import { type Verdict, verifyAlgorithms } from './algorithms.js';
import { readCase } from './case-file.js';

/** Where results (stdout) and everything else (stderr) go. */
export interface VerifyIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/**
 * Runs one command line (without node and script); returns the exit code: 0 everything agrees, 1 something does not, 2 the user's
 * mistake, 130 and the like interrupted.
 */
export async function main(words: readonly string[], io: VerifyIo, signal: AbortSignal): Promise<number> {
  let failures = 0;
  const verify = async (files: readonly string[]): Promise<void> => {
    failures = await verifyFiles(files, io, signal);
  };
  try {
    await command(verify, io).parseAsync(words, { from: 'user' });
    return failures === 0 ? 0 : 1;
  } catch (error) {
    if (signal.aborted) return signal.reason instanceof Interrupted ? signal.reason.exitCode : 130;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof ConfigError)) throw error;
    io.stderr.write(`error: ${error.message}\n`);
    return 2;
  }
}

function command(verify: (files: readonly string[]) => Promise<void>, io: VerifyIo): Command {
  const program = new Command('npm run verify --')
    .description('Compares what verlet computes with reference numbers of verl.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) });
  program
    .command('algorithms')
    .description('Estimators, losses, KL penalties, controllers and rollout correction; exit code 1 when any is off.')
    .argument('<file...>', 'files like tests/fixtures/algorithms/case-1.json')
    .action((files: string[]) => verify(files));
  return program;
}

/** All files are read before anything is compared. Returns how many entries failed. */
async function verifyFiles(files: readonly string[], { stdout }: VerifyIo, signal: AbortSignal): Promise<number> {
  const cases = [];
  for (const file of files) cases.push({ file: basename(file), content: await readCase(file) });
  await useBackend('cpu');
  let [passed, failed] = [0, 0];
  for (const { file, content } of cases)
    for await (const verdict of verifyAlgorithms(content)) {
      signal.throwIfAborted();
      stdout.write(`${lineOf(file, verdict)}\n`);
      if (verdict.passed) passed += 1;
      else failed += 1;
    }
  stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed;
}

function lineOf(file: string, { section, entry, passed, worst, reason }: Verdict): string {
  const error = Number.isFinite(worst) ? String(Number(worst.toPrecision(2))) : 'none';
  return `${passed ? 'ok  ' : 'FAIL'} ${error.padStart(8)}  ${file} ${section}: ${entry} (${reason})`;
}
