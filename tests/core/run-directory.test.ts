import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { RunDirectory } from '../../core/run-directory.js';

const now = new Date('2026-03-04T05:06:07.890Z');
let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'verlet-runs-'));
});
afterEach(() => rm(root, { recursive: true }));

test('a run is named by its name and time, and a second of the same second by a number too', async () => {
  const directories = [await RunDirectory.create(root, 'demo', now), await RunDirectory.create(root, 'demo', now)];
  expect(directories.map(({ name }) => name)).toEqual(['demo-2026-03-04_05-06-07', 'demo-2026-03-04_05-06-07-2']);
});

test('the config that was written is read back, and nothing else lies beside it', async () => {
  const directory = await RunDirectory.create(join(root, 'deep', 'runs'), 'demo', now);
  await directory.writeConfig({ seed: 3, env: { name: 'sum' }, tools: ['python'] });
  const opened = await RunDirectory.open(directory.path);
  expect(await opened.readConfig()).toEqual({ seed: 3, env: { name: 'sum' }, tools: ['python'] });
  expect(await readdir(directory.path)).toEqual(['config.yaml']);
});

test('opening what is no run directory says why', async () => {
  await mkdir(join(root, 'empty'));
  await writeFile(join(root, 'file'), '');
  for (const [name, sentence] of [
    ['missing', 'no run directory'],
    ['empty', 'is not a run directory: it has no config.yaml'],
    ['file', "is a file; name the run's directory"],
  ] as const) {
    await expect(RunDirectory.open(join(root, name))).rejects.toThrow(sentence);
    await expect(RunDirectory.open(join(root, name))).rejects.toThrow(ConfigError);
  }
});

test('a named directory must be new or empty', async () => {
  const path = join(root, 'mine');
  await (await RunDirectory.createAt(path)).writeConfig({});
  await expect(RunDirectory.createAt(path)).rejects.toThrow(`continue the run with --resume ${path}`);
});

test('a directory without results is removed, one with results stays', async () => {
  const [unused, used] = [await RunDirectory.create(root, 'a', now), await RunDirectory.create(root, 'b', now)];
  for (const directory of [unused, used]) await directory.writeConfig({});
  await writeFile(join(unused.path, 'mlflow.json'), '');
  await writeFile(used.metricsPath, '');
  for (const directory of [unused, used]) await directory.removeIfUnused();
  expect(await readdir(root)).toEqual([used.name]);
});
