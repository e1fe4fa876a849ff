import { basename } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { Interrupted } from '../cli/interrupt.js';
import { ConfigError } from '../core/errors.js';
import { loadPolicy } from '../core/model/load-policy.js';
import { openModel } from '../core/model/open-model.js';
import { useBackend } from '../core/tensor/backend.js';
import { type BackendName, backendNames } from '../core/tensor/backend-names.js';
import { type Verdict, verifyAlgorithms } from './algorithms.js';
import { readCase } from './case-file.js';
import { type ModelVerdict, verifyModel } from './model.js';
import { readModelCases } from './model-cases.js';

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
  const program = command(io, async (comparison) => {
    failures = await comparison(signal);
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return failures === 0 ? 0 : 1;
  } catch (error) {
    if (signal.aborted) return signal.reason instanceof Interrupted ? signal.reason.exitCode : 130;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof ConfigError)) throw error;
    io.stderr.write(`error: ${error.message}\n`);
    return 2;
  }
}

/** Prints what it compares; returns how much of it has failed. */
type Comparison = (signal: AbortSignal) => Promise<number>;

function command(io: VerifyIo, run: (comparison: Comparison) => Promise<void>): Command {
  const program = new Command('npm run verify --')
    .description('Compares what verlet computes with reference numbers of verl and of transformers.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) });
  program
    .command('algorithms')
    .description('Estimators, losses, KL penalties, controllers and rollout correction; exit code 1 when any is off.')
    .argument('<file...>', 'files like tests/fixtures/algorithms/case-1.json')
    .action((files: string[]) => run((signal) => verifyFiles(files, io, signal)));
  program
    .command('model')
    .description("A checkpoint's logits and log-probs; exit code 1 when those of any sequence are off.")
    .requiredOption('--model <path>', 'a checkpoint: whatever a run can begin from')
    .requiredOption('--reference <file>', 'a file like tests/fixtures/models/references/llama.json')
    .option('--tolerance <number>', 'largest absolute difference that is allowed', positiveNumber, 1e-4)
    .addOption(new Option('--backend <name>', 'tensor backend').choices(backendNames).default('native'))
    .action((options: ModelOptions) => run((signal) => verifyReference(options, io, signal)));
  return program;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It is not a number above 0.');
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

interface ModelOptions {
  readonly model: string;
  readonly reference: string;
  readonly tolerance: number;
  readonly backend: BackendName;
}

/** Returns how many cases failed. */
async function verifyReference(options: ModelOptions, { stdout }: VerifyIo, signal: AbortSignal): Promise<number> {
  const cases = await readModelCases(options.reference);
  await useBackend(options.backend);
  await using files = await openModel(options.model, { env: process.env }, signal);
  using policy = await loadPolicy(
    files,
    { contextLength: Math.max(...cases.map(({ tokens }) => tokens.length)) },
    signal,
  );
  const differences: number[] = [];
  for await (const verdict of verifyModel(policy, cases)) {
    signal.throwIfAborted();
    stdout.write(`${modelLine(differences.length, verdict, options.tolerance)}\n`);
    differences.push(verdict.worst);
  }
  const failed = differences.filter((worst) => worst > options.tolerance).length;
  stdout.write(`worst difference ${Math.max(...differences).toExponential(1)}, allowed ${options.tolerance}\n`);
  stdout.write(`${differences.length - failed} passed, ${failed} failed\n`);
  return failed;
}

function modelLine(index: number, { tokenCount, worst, parts }: ModelVerdict, tolerance: number): string {
  const each = parts.map((part) => `${part.what} ${part.worst.toExponential(1)}`).join(', ');
  const tokens = tokenCount === 1 ? '1 token' : `${tokenCount} tokens`;
  return `${worst <= tolerance ? 'ok  ' : 'FAIL'} ${worst.toExponential(1).padStart(8)}  cases[${index}]: ${tokens} (${each})`;
}
