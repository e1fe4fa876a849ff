import { readFile, writeFile } from 'node:fs/promises';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { Interrupted } from '../cli/interrupt.js';
import { ConfigError } from '../core/errors.js';
import { unknownName } from '../core/spelling.js';
import type { Bench, BenchOptions } from './bench.js';
import { machine } from './machine.js';
import { performancePage, recordSchema } from './page.js';
import type { Row } from './row.js';
import { plainTable, tableOf } from './table.js';

/** Where results (stdout) and everything else (stderr) go. */
export interface BenchIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Where `--write` puts performance.json and performance.md. */
  readonly documents: string;
}

interface Flags {
  readonly json?: true;
  readonly write?: true;
  readonly peer?: string;
  readonly case?: string;
  readonly threads: number;
  readonly rounds?: number;
  readonly seconds?: number;
  readonly layers?: number;
  readonly sequences?: number;
}

/** Runs one command line (without node and script); returns the exit code: 0 done, 1 failed, 2 the user's mistake, 130 and the like interrupted. */
export async function main(
  words: readonly string[],
  benches: readonly Bench[],
  io: BenchIo,
  signal: AbortSignal,
): Promise<number> {
  try {
    await command(benches, io, signal).parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    if (signal.aborted) return signal.reason instanceof Interrupted ? signal.reason.exitCode : 130;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof Error)) throw error;
    io.stderr.write(`error: ${error.message}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

function command(benches: readonly Bench[], io: BenchIo, signal: AbortSignal): Command {
  const names = [...benches.map(({ name }) => name), 'all'].join(', ');
  return new Command('npm run bench --')
    .description('Compares verlet with its peers in one run; stdout holds nothing but results.')
    .argument('<name>', `what to measure: ${names}`)
    .option('--json', 'one JSON line a case instead of a table')
    .option('--write', 'with `all`: write docs/performance.json and docs/performance.md')
    .option('--peer <name>', 'compare with this peer only')
    .option('--case <name>', 'measure this case only')
    .option('--threads <n>', 'threads of both sides', positiveInteger, 2)
    .option('--rounds <n>', 'timed rounds instead of the default', positiveInteger)
    .option('--seconds <s>', 'length of one timed measurement (gemm) instead of 1', positiveNumber)
    .option('--layers <n>', 'decoder layers (train) instead of the case’s own: to try things out', positiveInteger)
    .option('--sequences <n>', 'sequences of a step (train), for the same', positiveInteger)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .action((name: string, flags: Flags) => measure(chosen(benches, name, flags), flags, io, signal));
}

/** A bench with the cases and peers asked for; those that are left with nothing to do are not in it. */
interface Choice {
  readonly bench: Bench;
  readonly cases: readonly string[];
  readonly peers: readonly string[];
}

function chosen(benches: readonly Bench[], name: string, flags: Flags): readonly Choice[] {
  const named = benches.filter((bench) => name === 'all' || bench.name === name);
  if (named.length === 0) throw new ConfigError(unknownName('bench', name, [...benches.map((one) => one.name), 'all']));
  if (flags.write && (name !== 'all' || isPartial(flags))) {
    throw new ConfigError('--write stores one whole run: npm run bench -- all --write [--threads N] [--json]');
  }
  const peers = selected(
    'peer',
    flags.peer,
    named.flatMap((bench) => bench.peers),
  );
  const cases = selected(
    'case',
    flags.case,
    named.flatMap((bench) => bench.cases),
  );
  return named
    .map((bench) => ({
      bench,
      cases: bench.cases.filter((one) => cases.includes(one)),
      peers: bench.peers.filter((one) => peers.includes(one)),
    }))
    .filter((choice) => choice.cases.length > 0 && choice.peers.length > 0);
}

function isPartial({ peer, case: only, rounds, seconds, layers, sequences }: Flags): boolean {
  return [peer, only, rounds, seconds, layers, sequences].some((flag) => flag !== undefined);
}

function selected(kind: string, name: string | undefined, known: readonly string[]): readonly string[] {
  if (name === undefined) return known;
  if (!known.includes(name)) throw new ConfigError(unknownName(kind, name, [...new Set(known)]));
  return [name];
}

async function measure(choices: readonly Choice[], flags: Flags, io: BenchIo, signal: AbortSignal): Promise<void> {
  const all: Row[] = [];
  for (const { bench, cases, peers } of choices) {
    const rows: Row[] = [];
    for await (const row of bench.run(optionsOf(flags, { cases, peers }, io), signal)) {
      rows.push(row);
      if (flags.json) io.stdout.write(`${JSON.stringify(row)}\n`);
    }
    if (!flags.json) io.stdout.write(`${bench.name}\n${plainTable(tableOf(bench, rows))}\n`);
    all.push(...rows);
  }
  if (!flags.write) return;
  await writeFile(
    `${io.documents}/performance.json`,
    `${JSON.stringify({ machine: machine(), rows: all }, undefined, 1)}\n`,
  );
  const record = recordSchema.parse(JSON.parse(await readFile(`${io.documents}/performance.json`, 'utf8')));
  await writeFile(
    `${io.documents}/performance.md`,
    performancePage(
      record,
      choices.map(({ bench }) => bench),
    ),
  );
}

function optionsOf(flags: Flags, choice: Pick<BenchOptions, 'cases' | 'peers'>, { stderr }: BenchIo): BenchOptions {
  const { threads, rounds, seconds, layers, sequences } = flags;
  return {
    ...choice,
    threads,
    progress: (line) => stderr.write(`${line}\n`),
    ...(rounds === undefined ? {} : { rounds }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(layers === undefined ? {} : { layers }),
    ...(sequences === undefined ? {} : { sequences }),
  };
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return value;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}
