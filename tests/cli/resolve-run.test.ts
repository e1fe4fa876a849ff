import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtins } from '../../cli/builtins.js';
import { resolveRun } from '../../cli/resolve-run.js';
import { tasksOf } from '../../cli/run-episodes.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';
import { never } from '../helpers/tiny-policy.js';

const data = join(import.meta.dirname, '../fixtures/data');

function config(trainFiles: string): string {
  const env = { name: 'dataset', trainFiles, valFiles: [join(data, 'rl-zstd.parquet')], maxPromptLength: 2000 };
  return JSON.stringify({ env, tools: ['python'], warmStart: { steps: 0 }, rollout: { showTools: true } });
}

test('a run of environment dataset knows the tasks of its files, and the same ones again', async () => {
  using folder = new TemporaryFolder().write({ 'run.yaml': config(join(data, 'rl-*.parquet')) });
  const [run, again] = [
    await resolveRun(join(folder.path, 'run.yaml'), [], { builtins, models: { env: {} } }, never),
    await resolveRun(join(folder.path, 'run.yaml'), [], { builtins, models: { env: {} } }, never),
  ];
  const tasks = tasksOf(run, 'train', 0, 30);
  expect(new Set(tasks.map(({ id }) => id)).size).toBe(30);
  expect(tasksOf(again, 'train', 10, 20)).toEqual(tasks.slice(10));
  expect(tasksOf(run, 'eval', 0, 7).map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `row-${i}`));
});

test('a run whose files cannot be played is refused before anything starts', async () => {
  using folder = new TemporaryFolder().write({ 'run.yaml': config(join(data, 'missing.parquet')) });
  await expect(
    resolveRun(join(folder.path, 'run.yaml'), [], { builtins, models: { env: {} } }, never),
  ).rejects.toMatchObject({
    name: 'ConfigError',
    message: `no file ${join(data, 'missing.parquet')}`,
  });
});
