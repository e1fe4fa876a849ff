import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { openWandb, wandbSettings } from '../../../core/trackers/wandb.js';
import { messagesOf, offlineContext, onlyFile, plainOf, recordsOf } from '../../helpers/offline-run.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';
import { exampleGroup } from '../../helpers/trajectories.js';

const settings = wandbSettings.parse({ name: 'wandb' });
const { signal } = new AbortController();
let folder: TemporaryFolder;
beforeEach(() => {
  folder = new TemporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

/** Logs one number under its name at each of the steps, in a session of its own. */
async function session(steps: readonly number[], resumedAt?: number, name = 'score'): Promise<void> {
  const context = offlineContext(folder.path, resumedAt === undefined ? {} : { resumedAt });
  await using tracker = await openWandb(settings, context, signal);
  for (const step of steps) await tracker.log(step, { [name]: step / 2 });
  tracker.finish?.();
}

function file(): string {
  return onlyFile(folder.path, '.wandb');
}

/** The history as [step, numbers in JSON by name], without the client's own `_timestamp` and `_runtime`. */
function history(): [unknown, { [name: string]: unknown }][] {
  return recordsOf(file())
    .flatMap((record) => messagesOf(record, 2))
    .map((row) => {
      const items = messagesOf(row, 1).map((item) => [String(plainOf(item, 2)), plainOf(item, 16)] as const);
      const shown = items.filter(([name]) => name !== '_timestamp' && name !== '_runtime');
      return [plainOf(messagesOf(row, 2)[0] ?? [], 1), Object.fromEntries(shown)];
    });
}

test('the file lies where the client looks for it, under an id that every session of the run has', async () => {
  await session([1]);
  const name = basename(dirname(file()));
  expect(name).toMatch(/^offline-run-20260131_120000-[0-9a-z]{8}$/);
  expect(basename(file())).toBe(`run-${name.slice(-8)}.wandb`);
});

test('a run is header, run with its config, environment, then history and summary of each step, then exit', async () => {
  await session([1, 2]);
  const records = recordsOf(file());
  expect(records.map((record) => record.at(-1)?.number)).toEqual([21, 17, 26, 2, 3, 2, 3, 18]);
  expect(records.map((record) => plainOf(record, 1))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const [run] = messagesOf(records[1]!, 17);
  expect([3, 8].map((number) => plainOf(run!, number))).toEqual(['sums', 'sums-2026-01-31_12-00-00']);
  const items = messagesOf(run!, 4).flatMap((config) => messagesOf(config, 1));
  expect(items.map((item) => [plainOf(item, 1), plainOf(item, 16)])).toEqual([
    ['seed', '7'],
    ['optimizer', '{"lr":0.0003,"betas":[0.9,0.999]}'],
    ['model', 'null'],
  ]);
});

test('a number that is none is written as Python’s JSON writes it', async () => {
  await using tracker = await openWandb(settings, offlineContext(folder.path), signal);
  await tracker.log(1, { a: Number.NaN, b: Number.POSITIVE_INFINITY, c: Number.NEGATIVE_INFINITY, d: 1e-7 });
  expect(history()).toEqual([[1, { a: 'NaN', b: 'Infinity', c: '-Infinity', d: '1e-7', _step: '1' }]]);
});

test('what is logged twice for a step is one row, in which the later number stands', async () => {
  await using tracker = await openWandb(settings, offlineContext(folder.path), signal);
  await tracker.log(1, { a: 0.123456789, b: 1 });
  await tracker.log(1, { a: 2, 'val-core/sum/reward/mean@1': 0.5 });
  await tracker.log(2, { a: 3 });
  expect(history()).toEqual([
    [1, { a: '2', b: '1', 'val-core/sum/reward/mean@1': '0.5', _step: '1' }],
    [2, { a: '3', _step: '2' }],
  ]);
});

test('each step can be read as soon as it is logged', async () => {
  await using tracker = await openWandb(settings, offlineContext(folder.path), signal);
  await tracker.log(0, { a: 1 });
  expect(history()).toEqual([[0, { a: '1', _step: '0' }]]);
});

test('trajectories are left to the run’s own records', async () => {
  await using tracker = await openWandb(settings, offlineContext(folder.path), signal);
  const before = statSync(file()).size;
  await tracker.trajectories(1, 'train', [exampleGroup()]);
  expect(statSync(file()).size).toBe(before);
});

test('the run ends with exit code 0 where it finished, else with 1, and once', async () => {
  const exits = () => recordsOf(file()).flatMap((record) => messagesOf(record, 18).map((exit) => plainOf(exit, 1)));
  const tracker = await openWandb(settings, offlineContext(folder.path), signal);
  await tracker[Symbol.asyncDispose]();
  await tracker[Symbol.asyncDispose]();
  expect(exits()).toEqual([1]);
  await session([], 0);
  expect(exits()).toEqual([0]);
});

test('a resumed run goes on in the same file, without the steps that are run again', async () => {
  await session([1, 2, 3, 4]);
  await session([3, 4], 2, 'again');
  expect(history()).toEqual([
    [1, { score: '0.5', _step: '1' }],
    [2, { score: '1', _step: '2' }],
    [3, { again: '1.5', _step: '3' }],
    [4, { again: '2', _step: '4' }],
  ]);
  const numbers = recordsOf(file()).map((record) => plainOf(record, 1));
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

test('what a resumed run logs for the step it takes up joins that step’s row', async () => {
  await session([1, 2, 3]);
  await session([2, 3], 2, 'evaluation');
  expect(history()[1]).toEqual([2, { score: '1', evaluation: '1', _step: '2' }]);
  expect(history()).toHaveLength(3);
});

test('a resumed run brings its config up to date and is uploaded again', async () => {
  await session([1]);
  writeFileSync(`${file()}.synced`, '');
  const context = offlineContext(folder.path, { resumedAt: 1, config: { seed: 8 } });
  await using _tracker = await openWandb(settings, context, signal);
  const updates = recordsOf(file())
    .flatMap((record) => messagesOf(record, 5))
    .flatMap((config) => messagesOf(config, 1));
  expect(updates.map((item) => [plainOf(item, 1), plainOf(item, 16)])).toEqual([['seed', '8']]);
  expect(existsSync(`${file()}.synced`)).toBe(false);
});

test('a run whose process was killed within a record is taken up after the last whole one', async () => {
  await session([1, 2]);
  truncateSync(file(), readFileSync(file()).length - 20);
  await session([3], 2);
  expect(history().map(([step]) => step)).toEqual([1, 2, 3]);
});

test('a run of which no step stands begins anew in the same file', async () => {
  await session([0, 1]);
  await session([0], -1, 'again');
  expect(history()).toEqual([[0, { again: '0', _step: '0' }]]);
});

test('a run that is resumed with W&B for the first time begins a file', async () => {
  await session([8], 7);
  expect(history()).toEqual([[8, { score: '4', _step: '8' }]]);
});

test('what the run is shown with comes from the settings', async () => {
  const shown = { entity: 'team', group: 'g', jobType: 'train', notes: 'first try', tags: ['a', 'b'] };
  const all = wandbSettings.parse({ name: 'wandb', ...shown });
  await using _tracker = await openWandb(all, offlineContext(folder.path), signal);
  const [run] = recordsOf(file()).flatMap((record) => messagesOf(record, 17));
  expect([2, 6, 7, 9].map((number) => plainOf(run!, number))).toEqual(['team', 'g', 'train', 'first try']);
  expect(run!.filter(({ number }) => number === 10)).toHaveLength(2);
});

test('a project name that W&B refuses is told before anything is written', async () => {
  const context = offlineContext(folder.path, { projectName: 'a/b' });
  await expect(openWandb(settings, context, signal)).rejects.toThrow(ConfigError);
  expect(() => file()).toThrow('not one .wandb');
});
