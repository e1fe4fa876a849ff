import { readFileSync, truncateSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ConfigError } from '../../../core/errors.js';
import { openSwanlab, swanlabSettings } from '../../../core/trackers/swanlab.js';
import { messagesOf, offlineContext, onlyFile, plainOf, recordsOf } from '../../helpers/offline-run.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';

const settings = swanlabSettings.parse({ name: 'swanlab' });
const { signal } = new AbortController();
let folder: TemporaryFolder;
beforeEach(() => {
  folder = new TemporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

/** Logs one number under its name at each of the steps, in a session of its own. */
async function session(steps: readonly number[], resumedAt?: number, name = 'score'): Promise<void> {
  const context = offlineContext(folder.path, resumedAt === undefined ? {} : { resumedAt });
  await using tracker = await openSwanlab(settings, context, signal);
  for (const step of steps) await tracker.log(step, { [name]: step / 2 });
  tracker.finish?.();
}

function file(): string {
  return onlyFile(folder.path, '.swanlab');
}

/** Every number as [metric, step, value]. */
function scalars(): unknown[] {
  return recordsOf(file())
    .flatMap((record) => messagesOf(record, 13))
    .map((scalar) => [plainOf(scalar, 1), plainOf(scalar, 2), plainOf(messagesOf(scalar, 5)[0] ?? [], 1)]);
}

/** How the run ended: [state, error]. */
function ends(): unknown[] {
  const finishes = recordsOf(file()).flatMap((record) => messagesOf(record, 11));
  return finishes.map((finish) => [plainOf(finish, 1), plainOf(finish, 2)]);
}

test('the file lies where the client looks for it, under an id that every session of the run has', async () => {
  await session([1]);
  const name = basename(dirname(file()));
  expect(name).toMatch(/^run-20260131_120000-[0-9a-z]{8}$/);
  expect(basename(file())).toBe(`run-${name.slice(-8)}.swanlab`);
  expect(basename(dirname(dirname(file())))).toBe('swanlog');
});

test('a run is start, its two files, a column before the first number of each metric, and finish', async () => {
  await session([1, 2]);
  const records = recordsOf(file());
  expect(records.map((record) => record.at(-1)?.number)).toEqual([10, 20, 20, 12, 13, 13, 11]);
  expect(records.map((record) => plainOf(record, 1))).toEqual([-1, -4, -3, 1, 2, 3, -2]);
  const [start] = messagesOf(records[0]!, 10);
  expect([1, 4].map((number) => plainOf(start!, number))).toEqual(['sums', 'sums-2026-01-31_12-00-00']);
});

test('a metric stands in the section that its name begins with', async () => {
  await using tracker = await openSwanlab(settings, offlineContext(folder.path), signal);
  await tracker.log(1, { 'val-core/sum/reward/mean@1': 1, plain: 2 });
  const columns = recordsOf(file()).flatMap((record) => messagesOf(record, 12));
  expect(columns.map((column) => [plainOf(column, 3), plainOf(column, 5)])).toEqual([
    ['val-core/sum/reward/mean@1', 'val-core'],
    ['plain', ''],
  ]);
});

test('a number that is none stays what it is', async () => {
  await using tracker = await openSwanlab(settings, offlineContext(folder.path), signal);
  await tracker.log(0, { a: Number.NaN, b: Number.POSITIVE_INFINITY, c: Number.NEGATIVE_INFINITY });
  expect(scalars()).toEqual([
    ['a', 0, Number.NaN],
    ['b', 0, Number.POSITIVE_INFINITY],
    ['c', 0, Number.NEGATIVE_INFINITY],
  ]);
});

test('the config lies beside the file, each entry with its place', async () => {
  await session([]);
  const config: unknown = parse(readFileSync(join(dirname(file()), 'files', 'config.yaml'), 'utf8'));
  expect(config).toEqual({
    seed: { value: 7, desc: '', sort: 0 },
    optimizer: { value: { lr: 0.0003, betas: [0.9, 0.999] }, desc: '', sort: 1 },
    model: { value: null, desc: '', sort: 2 },
  });
});

test('a run that reached its end is finished', async () => {
  await session([]);
  expect(ends()).toEqual([[1, '']]);
});

test('a run that did not crashed, which is told once', async () => {
  const tracker = await openSwanlab(settings, offlineContext(folder.path), signal);
  await tracker[Symbol.asyncDispose]();
  await tracker[Symbol.asyncDispose]();
  expect(ends()).toEqual([[2, 'the run failed; its own log says why']]);
});

test('a run that was interrupted is aborted, and says by what', async () => {
  const controller = new AbortController();
  const tracker = await openSwanlab(settings, offlineContext(folder.path), controller.signal);
  controller.abort(new DOMException('SIGINT', 'AbortError'));
  await tracker[Symbol.asyncDispose]();
  expect(ends()).toEqual([[3, 'AbortError: SIGINT']]);
});

test('a resumed run goes on in the same file, without the steps that are run again', async () => {
  await session([1, 2, 3, 4]);
  await session([3], 2);
  await session([4], 3, 'again');
  expect(scalars()).toEqual([
    ['score', 1, 0.5],
    ['score', 2, 1],
    ['score', 3, 1.5],
    ['again', 4, 2],
  ]);
  const columns = recordsOf(file()).flatMap((record) => messagesOf(record, 12));
  expect(columns.map((column) => plainOf(column, 3))).toEqual(['score', 'again']);
  expect(ends()).toEqual([[1, '']]);
});

test('a run whose process was killed within a record is taken up after the last whole one', async () => {
  await session([1, 2]);
  truncateSync(file(), readFileSync(file()).length - 9);
  expect(ends()).toEqual([]);
  await session([3], 2);
  expect(scalars()).toHaveLength(3);
});

test('what the run is shown with comes from the settings', async () => {
  const shown = { workspace: 'team', description: 'first try', group: 'g', jobType: 'train', tags: ['a', 'b'] };
  const all = swanlabSettings.parse({ name: 'swanlab', ...shown });
  await using _tracker = await openSwanlab(all, offlineContext(folder.path), signal);
  const [start] = recordsOf(file()).flatMap((record) => messagesOf(record, 10));
  expect([2, 5, 7, 8].map((number) => plainOf(start!, number))).toEqual(['team', 'first try', 'g', 'train']);
  expect(start!.filter(({ number }) => number === 6)).toHaveLength(2);
});

test('a project name that SwanLab refuses is told before anything is written', async () => {
  const context = offlineContext(folder.path, { projectName: 'sums of two' });
  await expect(openSwanlab(settings, context, signal)).rejects.toThrow(ConfigError);
  expect(() => file()).toThrow('not one .swanlab');
});
