import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openWandb, wandbSettings } from '../../core/trackers/wandb.js';
import type { Metrics } from '../../core/types.js';
import { needsPython, python, runClient } from '../helpers/official-client.js';
import { cutAfter, offlineContext, onlyFile } from '../helpers/offline-run.js';
import { type RecordedAnswer, type RecordedRequest, RecordingServer } from '../helpers/recording-server.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';

const inspected = z.looseObject({
  type: z.string(),
  history: z.object({ item: z.record(z.string(), z.unknown()), step: z.object({ num: z.coerce.number() }) }).optional(),
});
const graphql = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()) });
const stream = z.object({
  files: z
    .object({ 'wandb-history.jsonl': z.object({ offset: z.int(), content: z.array(z.string()) }).optional() })
    .default({}),
  exitcode: z.int().optional(),
});

let folder: TemporaryFolder;
beforeEach(() => {
  folder = new TemporaryFolder().write({ 'home/.keep': '' });
  mkdirSync(join(folder.path, 'run'));
});
afterEach(() => folder[Symbol.dispose]());

/** Logs the steps as one session of the run. */
async function session(steps: readonly number[], changes: { resumedAt?: number; isFinished?: boolean } = {}) {
  const { isFinished = true, ...context } = changes;
  const settings = wandbSettings.parse({ name: 'wandb', entity: 'team', tags: ['small'], notes: 'first try' });
  const { signal } = new AbortController();
  await using tracker = await openWandb(settings, offlineContext(join(folder.path, 'run'), context), signal);
  for (const step of steps) await tracker.log(step, metricsOf(step));
  if (isFinished) tracker.finish?.();
}

function metricsOf(step: number): Metrics {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][step] ?? 0;
  return { 'critic/score/mean': step / 8, 'val-core/sum/reward/mean@1': 1 / 3, odd };
}

function file(): string {
  return onlyFile(join(folder.path, 'run'), '.wandb');
}

function wandb(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  return runClient(['wandb', ...words], { home: join(folder.path, 'home'), env });
}

/** What the client's own reader makes of the file, a record a line. */
async function inspect(): Promise<z.output<typeof inspected>[]> {
  const lines = (await wandb(['leet', 'inspect', '--json', dirname(file())])).trimEnd().split('\n');
  return lines.map((line) => inspected.parse(JSON.parse(line)));
}

/** Uploads the run to a service on loopback by the client's own command; `posts` are parts of the history. */
async function upload() {
  await using server = await RecordingServer.start(answer);
  const env = { WANDB_BASE_URL: server.url, WANDB_API_KEY: 'a'.repeat(40) };
  await wandb(['sync', '--yes', dirname(file())], env);
  const posts = server.bodies('POST', /\/file_stream$/).map((body) => stream.parse(JSON.parse(body)));
  return { server, posts };
}

function answer({ path, body }: RecordedRequest, url: string): RecordedAnswer {
  if (path !== '/graphql') return { json: {} };
  const { query, variables } = graphql.parse(JSON.parse(body));
  if (query.includes('createRunFiles')) {
    const files = z.array(z.string()).parse(variables.files);
    const targets = files.map((name) => ({ name, uploadUrl: `${url}/upload/${name}` }));
    return { json: { data: { createRunFiles: { runID: 'id', uploadHeaders: [], files: targets } } } };
  }
  if (!query.includes('upsertBucket')) return { json: { data: {} } };
  const project = { id: 'id', name: variables.project, entity: { id: 'id', name: variables.entity } };
  const bucket = { id: 'id', name: variables.name, displayName: variables.displayName, project, historyLineCount: 0 };
  return { json: { data: { upsertBucket: { bucket, inserted: true } } } };
}

describe.skipIf(python === undefined)(needsPython, () => {
  test('the client’s own reader finds the run, and every step of a file of many blocks', async () => {
    const steps = Array.from({ length: 400 }, (_, step) => step);
    await session(steps);
    const records = await inspect();
    expect(records.map(({ type }) => type).slice(0, 4)).toEqual(['header', 'run', 'environment', 'history']);
    expect(records[1]).toMatchObject({ run: { entity: 'team', project: 'sums', config: { update: { seed: 7 } } } });
    expect(records.at(-1)).toMatchObject({ type: 'exit', exit: { exit_code: 0 } });
    const rows = records.flatMap(({ history }) => (history === undefined ? [] : [history]));
    expect(rows.map(({ step }) => step.num)).toEqual(steps);
    expect(rows.map(({ item }) => item['critic/score/mean'])).toEqual(steps.map((step) => step / 8));
    expect(rows.slice(0, 4).map(({ item }) => item.odd)).toEqual(['NaN', 'Infinity', '-Infinity', 0]);
  });

  test('of a run whose process was killed it reads and uploads all before the last record, as failed', async () => {
    await session([0, 1, 2, 3]);
    cutAfter(file(), 7);
    const steps = (await inspect()).flatMap(({ history }) => (history === undefined ? [] : [history.step.num]));
    expect(steps).toEqual([0, 1]);
    const { posts } = await upload();
    expect(stepsOf(posts)).toEqual([0, 1]);
    expect(posts.at(-1)?.exitcode).toBe(1);
  });

  test('it shows the summary, the config and how the run ended', async () => {
    await session([0, 1, 2], { isFinished: false });
    const text = await wandb(['leet', 'inspect', '--summary', dirname(file())]);
    expect(text).toMatch(/state +failed \(exit code 1\)/);
    expect(text).toMatch(/critic\/score\/mean +0.25\n/);
    expect(text).toMatch(/optimizer.lr +0.0003\n/);
  });

  test('wandb sync uploads the run whole', async () => {
    await session([0, 1, 2, 3]);
    const { server, posts } = await upload();
    const [created] = server.bodies('POST', /^\/graphql$/).map((body) => graphql.parse(JSON.parse(body)));
    const shown = { project: 'sums', entity: 'team', displayName: 'sums-2026-01-31_12-00-00', notes: 'first try' };
    expect(created?.variables).toMatchObject({ ...shown, tags: ['small'] });
    const config: unknown = JSON.parse(String(created?.variables.config));
    expect(config).toMatchObject({ seed: { value: 7 }, optimizer: { value: { lr: 0.0003, betas: [0.9, 0.999] } } });
    expect(stepsOf(posts)).toEqual([0, 1, 2, 3]);
    expect(posts.at(-1)?.exitcode).toBe(0);
  });

  test('wandb sync uploads a resumed run again, each step once', async () => {
    await session([0, 1, 2, 3]);
    await upload();
    await session([2, 3, 4], { resumedAt: 1 });
    const { posts } = await upload();
    expect(stepsOf(posts)).toEqual([0, 1, 2, 3, 4]);
  });
});

/** The steps of the history's lines, by their place in it. */
function stepsOf(posts: readonly z.output<typeof stream>[]): number[] {
  const steps: number[] = [];
  for (const { files } of posts) {
    const { offset, content } = files['wandb-history.jsonl'] ?? { offset: 0, content: [] };
    for (const [index, line] of content.entries()) steps[offset + index] = Number(/"_step":(\d+)/.exec(line)?.[1]);
  }
  return steps;
}
