import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { build, Workplace } from '../helpers/program.js';
import { jsonLines, readMetrics } from '../helpers/smoke-run.js';
import { writeTinyCheckpoint } from '../helpers/tiny-checkpoint.js';

beforeAll(build, 180_000);

const generator = resolve('examples/sft/make-conversations.mjs');
const example = resolve('examples/sft/smollm2-tools.yaml');

/** The example made small: another model, few conversations. */
const smoke = [
  'model.path=base',
  'data.maxLength=1200',
  'data.maxTokenLenPerGpu=1200',
  'data.trainMaxSamples=12',
  'data.valMaxSamples=2',
  'data.trainBatchSize=4',
  'backend=cpu',
];

// Pinned on backend cpu, tolerance 1e-4: the values of this program's own first run.
const firstLosses = [5.747756, 5.779345];

test('the example’s conversations are always the same, and none is in both files', async () => {
  await using workplace = new Workplace();
  for (const directory of ['a', 'b']) execFileSync(process.execPath, [generator, join(workplace.path, directory)]);
  const rows = (name: string) => jsonLines(join(workplace.path, name)).map((row) => JSON.stringify(row));
  expect(rows('a/train.jsonl')).toEqual(rows('b/train.jsonl'));
  expect([...rows('a/train.jsonl'), ...rows('a/val.jsonl')].length).toBe(550);
  expect(new Set([...rows('a/train.jsonl'), ...rows('a/val.jsonl')]).size).toBe(550);
});

test('the small example makes its first steps as when they were pinned', async () => {
  await using workplace = new Workplace();
  execFileSync(process.execPath, [generator], { cwd: workplace.path });
  await writeTinyCheckpoint(join(workplace.path, 'base'), { config: { max_position_embeddings: 1200 } });
  const words = ['sft', example, ...smoke, '--steps', '2', '--run-dir', 'run'];
  const ended = await workplace.run(words);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  const losses = readMetrics(join(workplace.path, 'run')).flatMap(({ data }) => data['train/loss'] ?? []);
  for (const [i, loss] of firstLosses.entries()) expect(losses[i]).toBeCloseTo(loss, 4);
  expect(readdirSync(join(workplace.path, 'run/checkpoints'))).toEqual(['global_step_2']);
  await workplace.untilNothingIsLeft(0);
}, 60_000);
