import { readdirSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { parseConfig } from '../../../core/config.js';
import { setLogSink } from '../../../core/log.js';
import { trackersConfig } from '../../../core/trackers/config.js';
import { openTrackers } from '../../../core/trackers/open-trackers.js';
import { eventFiles, readEvents } from '../../helpers/event-file.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';
import { trackersContext } from '../../helpers/tracker-context.js';

const { signal } = new AbortController();
afterEach(() => setLogSink());

test('a name is short for a mapping with it, and what was parsed is parsed again to the same', () => {
  const parsed = trackersConfig.parse(['console', { name: 'tensorboard', samples: 0 }, 'mlflow']);
  expect(parsed).toEqual([{ name: 'console' }, { name: 'tensorboard', samples: 0 }, { name: 'mlflow' }]);
  expect(trackersConfig.parse(parsed)).toEqual(parsed);
});

test.each([
  [['tensorbord'], 'logger.0: unknown tracker "tensorbord"; did you mean "tensorboard"? known: console, tensorboard,'],
  [
    [{ name: 'mlfow' }],
    'logger.0.name is "mlfow", must be one of console, tensorboard, mlflow, wandb, swanlab; did you',
  ],
  [['console', 'console'], 'logger.1: "console" is named twice, leave one out'],
  [[{ name: 'tensorboard', sample: 1 }], 'unknown key logger.0.sample; did you mean logger.0.samples?'],
])('%j is answered with what to write', (logger, sentence) => {
  const schema = z.strictObject({ logger: trackersConfig });
  expect(() => parseConfig(schema, { logger }, { source: 'run.yaml' })).toThrow(sentence);
});

test('the list has a JSON schema, for the page of all keys', () => {
  const schema = z.toJSONSchema(z.strictObject({ logger: trackersConfig }), { io: 'input' });
  expect(schema.properties?.logger).toMatchObject({ type: 'array' });
});

test('all of the list are told', async () => {
  using folder = new TemporaryFolder();
  const { context, lines } = trackersContext(folder.path);
  const config = trackersConfig.parse(['console', 'tensorboard', 'wandb', 'swanlab']);
  const trackers = await openTrackers(config, context, signal);
  await trackers.log(1, { 'critic/score/mean': 0.5 });
  trackers.finish();
  await trackers[Symbol.asyncDispose]();
  expect(trackers.notes).toEqual([]);
  expect(lines).toEqual(['step 1 critic/score/mean=0.5\n']);
  expect(readEvents(eventFiles(folder.path)[0]!).at(-1)?.scalars).toEqual({ 'critic/score/mean': 0.5 });
  expect(readdirSync(folder.path).sort()).toEqual(['swanlog', 'tensorboard', 'wandb']);
});

test('a server that is not there is a note, and the others are told', async () => {
  using folder = new TemporaryFolder();
  const env = { MLFLOW_TRACKING_URI: 'http://127.0.0.1:9' };
  const { context, lines } = trackersContext(folder.path, { env });
  setLogSink(() => {});
  const run = new AbortController();
  await using trackers = await openTrackers([{ name: 'mlflow' }, { name: 'console' }], context, run.signal);
  await trackers.log(1, { 'critic/score/mean': 0.5 });
  run.abort();
  expect(trackers.notes).toEqual([expect.stringMatching(/^tracker mlflow is not there yet, tried again: http:/)]);
  expect(lines).toHaveLength(1);
});

test('a mistake in one closes those that were opened before', async () => {
  using folder = new TemporaryFolder();
  const { context } = trackersContext(folder.path);
  const config = trackersConfig.parse(['tensorboard', 'mlflow']);
  await expect(openTrackers(config, context, signal)).rejects.toThrow('set MLFLOW_TRACKING_URI');
});
