import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Bench, BenchOptions } from '../../bench/bench.js';
import { type BenchIo, main } from '../../bench/program.js';
import { type Row, rowSchema } from '../../bench/row.js';
import { Interrupted } from '../../cli/interrupt.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';

const never = new AbortController().signal;

function row(name: string, peer: string): Row {
  const shared = { backend: 'cpu', threads: 2, cpu: 'a processor', versions: { node: '20', rival: '7' } };
  return { bench: 'race', case: name, peer, ratio: 1.5, metres: 12_345.6, peakMemoryBytes: 3e6, ...shared };
}

/** A bench that knows its figures beforehand and keeps the options that it was run with. */
class Race implements Bench {
  readonly name = 'race';
  readonly description = 'Who is faster.';
  readonly cases = ['short', 'long'];
  readonly peers = ['hare', 'tortoise'];
  readonly columns = { metres: 'm', peakMemoryBytes: 'MB' };
  seen: BenchOptions | undefined;

  async *run(options: BenchOptions): AsyncIterable<Row> {
    this.seen = options;
    for (const name of options.cases) for (const peer of options.peers) yield row(name, peer);
  }
}

async function run(words: readonly string[], documents = '', signal = never) {
  const [race, text] = [new Race(), { stdout: '', stderr: '' }];
  const io: BenchIo = {
    stdout: { write: (part) => (text.stdout += part) },
    stderr: { write: (part) => (text.stderr += part) },
    documents,
  };
  const code = await main(words, [race], io, signal);
  return { code, race, ...text };
}

test('--json prints one line a case and peer, and nothing else on stdout', async () => {
  const { code, stdout } = await run(['race', '--json']);
  const rows = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => rowSchema.parse(JSON.parse(line)));
  expect(rows.map((one) => `${one.case} ${one.peer}`)).toEqual([
    'short hare',
    'short tortoise',
    'long hare',
    'long tortoise',
  ]);
  expect(rows[0]).toEqual(row('short', 'hare'));
  expect(code).toBe(0);
});

test('without --json people read a table with their units', async () => {
  const { stdout } = await run(['race', '--case', 'short', '--peer', 'hare']);
  expect(stdout).toBe('race\ncase   peer  ratio  m       MB\nshort  hare  1.50   12,346  3\n\n');
});

test('flags reach the bench, and threads are two unless said otherwise', async () => {
  const { race } = await run(['race', '--rounds', '3', '--seconds', '0.5', '--layers', '1']);
  expect(race.seen).toMatchObject({ threads: 2, rounds: 3, seconds: 0.5, layers: 1 });
});

test.each([
  [['rase'], 'error: unknown bench "rase"; did you mean "race"? known: race, all\n'],
  [['race', '--peer', 'snail'], 'error: unknown peer "snail"; known: hare, tortoise\n'],
  [['race', '--case', 'longer'], 'error: unknown case "longer"; did you mean "long"? known: short, long\n'],
  [['race', '--write'], /^error: --write stores one whole run: npm run bench -- all --write/],
  [['all', '--write', '--rounds', '1'], /^error: --write stores one whole run/],
  [['race', '--rounds', '0'], /It must be a whole number of at least 1/],
  [[], /missing required argument 'name'/],
])('%j is refused in one sentence', async (words, expected) => {
  const { code, stdout, stderr, race } = await run(words);
  expect(stderr).toMatch(expected);
  expect([code, stdout, race.seen]).toEqual([2, '', undefined]);
});

test('an interrupt ends with its exit code', async () => {
  const interrupted = AbortSignal.abort(new Interrupted('SIGINT'));
  const failing = {
    ...new Race(),
    run: () => {
      throw new Error('aborted');
    },
  };
  const silent = { write: () => true };
  expect(await main(['race'], [failing], { stdout: silent, stderr: silent, documents: '' }, interrupted)).toBe(130);
});

test('--write stores the rows of the whole run and the page that is made of them', async () => {
  using folder = new TemporaryFolder();
  expect((await run(['all', '--write'], folder.path)).code).toBe(0);
  const { rows } = JSON.parse(readFileSync(join(folder.path, 'performance.json'), 'utf8'));
  expect(rows).toHaveLength(4);
  expect(readFileSync(join(folder.path, 'performance.md'), 'utf8')).toMatch(
    /Versions: node .*, rival 7\.\n\n## race\n\nWho is faster\.\n\n```sh\nnpm run bench -- race\n```\n\n\| case {2}\| peer {5}\| ratio \| m {6}\| MB \|\n\| -----/,
  );
});
