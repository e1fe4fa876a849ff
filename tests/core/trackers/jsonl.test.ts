import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JsonlTracker } from '../../../core/trackers/jsonl.js';
import { exampleGroup } from '../../helpers/trajectories.js';

let directory = '';
let metricsPath = '';
let tracker = new JsonlTracker({ metricsPath: '', trajectoriesPath: '' });
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verlet-jsonl-'));
  metricsPath = join(directory, 'metrics.jsonl');
  tracker = new JsonlTracker({ metricsPath, trajectoriesPath: join(directory, 'trajectories') });
});
afterEach(() => rm(directory, { recursive: true }));

test("a line of metrics.jsonl has the shape of verl's file logger", async () => {
  await tracker.log(3, { 'actor/entropy': 1.5 });
  expect(await readFile(metricsPath, 'utf8')).toBe('{"step":3,"data":{"actor/entropy":1.5}}\n');
});

test('a line cut off by a crash is left out, and resuming removes it', async () => {
  await tracker.log(1, { a: 1 });
  await appendFile(metricsPath, '{"step":2,"da');
  expect(await tracker.readMetrics()).toHaveLength(1);
  await tracker.resumeAt(1);
  await tracker.log(2, { a: 2 });
  expect((await tracker.readMetrics()).map(({ step }) => step)).toEqual([1, 2]);
});

test('a damaged line is named by file and line', async () => {
  await writeFile(metricsPath, '{"step":1,"data":{}}\nnonsense\n');
  await expect(tracker.readMetrics()).rejects.toThrow(`${metricsPath}:2 is not JSON; was the file edited?`);
  await writeFile(metricsPath, '{"step":"x","data":{}}\n');
  await expect(tracker.readMetrics()).rejects.toThrow(`${metricsPath}:1 is not a record of a run: step: `);
});

test('no temporary file is left beside the trajectories', async () => {
  await tracker.trajectories(1, 'train', [exampleGroup()]);
  expect(await readdir(join(directory, 'trajectories'))).toEqual(['train-1.jsonl']);
});
