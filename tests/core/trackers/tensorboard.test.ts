import { appendFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { openTensorboard } from '../../../core/trackers/tensorboard.js';
import type { TrackerContext } from '../../../core/trackers/tracker-context.js';
import { eventFiles, readEvents } from '../../helpers/event-file.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';
import { trackersContext } from '../../helpers/tracker-context.js';
import { exampleGroup, exampleTrajectory } from '../../helpers/trajectories.js';

function open(directory: string, changes: Partial<TrackerContext> = {}, samples = 4) {
  const { context } = trackersContext(directory, changes);
  return openTensorboard({ name: 'tensorboard', samples }, context, new AbortController().signal);
}

test('a file says its version and that the run starts at step 0, and shows the config', async () => {
  using folder = new TemporaryFolder();
  await using _tracker = await open(folder.path);
  const [path = ''] = eventFiles(folder.path);
  const [version, start, config] = readEvents(path);
  expect(basename(path)).toMatch(`events.out.tfevents.1767323045.${hostname()}.`);
  expect(version).toMatchObject({ fileVersion: 'brain.Event:2', wallTime: 1767323045 });
  expect(start).toMatchObject({ sessionStatus: 1, step: 0 });
  expect(config?.texts.config).toEqual([expect.stringContaining('lr: 0.001')]);
});

test('a step is in the file when its call ends, every metric in float32', async () => {
  using folder = new TemporaryFolder();
  await using tracker = await open(folder.path);
  await tracker.log(300, { 'actor/entropy': 0.1, 'actor/pg_loss': Number.NaN, far: Number.NEGATIVE_INFINITY });
  const event = readEvents(eventFiles(folder.path)[0]!).at(-1);
  expect(event).toMatchObject({ step: 300 });
  expect(event?.scalars).toEqual({
    'actor/entropy': Math.fround(0.1),
    'actor/pg_loss': Number.NaN,
    far: Number.NEGATIVE_INFINITY,
  });
  expect(Math.abs(event!.wallTime - Date.now() / 1000)).toBeLessThan(60);
});

test('the first scored episode of each group is kept as text, as many as the setting says', async () => {
  using folder = new TemporaryFolder();
  await using tracker = await open(folder.path, {}, 2);
  const second = exampleGroup(exampleTrajectory({ taskId: 'sum-2' }));
  await tracker.trajectories(5, 'eval', [{ ...second, outcomes: [] }, exampleGroup(), second, exampleGroup()]);
  const event = readEvents(eventFiles(folder.path)[0]!).at(-1);
  const texts = event?.texts['generations/eval'] ?? [];
  expect(texts.map((text) => /\*\*(.*?)\*\*/.exec(text)?.[1])).toEqual(['sum-1', 'sum-2']);
  expect(texts[0]).toContain('-> python {"code":"print(2+2)"}');
});

test('what a model wrote cannot leave its code block', async () => {
  using folder = new TemporaryFolder();
  await using tracker = await open(folder.path);
  const messages = [{ role: 'assistant', content: '````\n<b>bold</b>' }] as const;
  await tracker.trajectories(1, 'train', [exampleGroup(exampleTrajectory({ messages }))]);
  const [text = ''] = readEvents(eventFiles(folder.path)[0]!).at(-1)?.texts['generations/train'] ?? [];
  expect(text.split('\n').filter((line) => line === '`````')).toHaveLength(2);
});

test('a resumed run begins a later file that forgets the steps after the one taken up', async () => {
  using folder = new TemporaryFolder();
  await (await open(folder.path))[Symbol.asyncDispose]();
  await using _resumed = await open(folder.path, { resumedAt: 7 });
  const [first = '', second = ''] = eventFiles(folder.path);
  expect(readEvents(first)).toHaveLength(3);
  expect(readEvents(second)).toMatchObject([{ fileVersion: 'brain.Event:2' }, { sessionStatus: 1, step: 8 }]);
  expect(basename(second)).toContain('.1767323046.');
});

test('a record that was cut off by a crash leaves the next session alone', async () => {
  using folder = new TemporaryFolder();
  await (await open(folder.path))[Symbol.asyncDispose]();
  const [first = ''] = eventFiles(folder.path);
  appendFileSync(first, 'half');
  await using tracker = await open(folder.path, { resumedAt: -1 });
  await tracker.log(1, { a: 1 });
  expect(readEvents(eventFiles(folder.path)[1]!).at(-1)?.scalars).toEqual({ a: 1 });
});

test('disposing twice is as good as once', async () => {
  using folder = new TemporaryFolder();
  const tracker = await open(folder.path);
  await tracker[Symbol.asyncDispose]();
  await tracker[Symbol.asyncDispose]();
  await expect(tracker.log(1, { a: 1 })).rejects.toThrow();
});
