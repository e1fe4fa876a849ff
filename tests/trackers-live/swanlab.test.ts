import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openSwanlab, swanlabSettings } from '../../core/trackers/swanlab.js';
import type { Metrics } from '../../core/types.js';
import { needsPython, python, runClient } from '../helpers/official-client.js';
import { cutAfter, offlineContext, onlyFile } from '../helpers/offline-run.js';
import { type RecordedAnswer, type RecordedRequest, RecordingServer } from '../helpers/recording-server.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';

const points = z.object({
  type: z.literal('scalar'),
  metrics: z.array(z.object({ key: z.string(), index: z.int(), data: z.union([z.number(), z.literal('nan')]) })),
});
const columns = z.array(z.object({ key: z.string(), type: z.string(), sectionName: z.string().optional() }));
const named = z.looseObject({ cuid: z.string(), name: z.string() });

let folder: TemporaryFolder;
beforeEach(() => {
  folder = new TemporaryFolder().write({ 'home/.keep': '' });
  mkdirSync(join(folder.path, 'run'));
});
afterEach(() => folder[Symbol.dispose]());

/** Logs the steps as one session of the run. */
async function session(steps: readonly number[], changes: { resumedAt?: number; isFinished?: boolean } = {}) {
  const { isFinished = true, ...context } = changes;
  const settings = swanlabSettings.parse({ name: 'swanlab', tags: ['small'], description: 'first try', group: 'g' });
  const { signal } = new AbortController();
  await using tracker = await openSwanlab(settings, offlineContext(join(folder.path, 'run'), context), signal);
  for (const step of steps) await tracker.log(step, metricsOf(step));
  if (isFinished) tracker.finish?.();
}

function metricsOf(step: number): Metrics {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][step] ?? 0;
  return { 'critic/score/mean': step / 8, 'val-core/sum/reward/mean@1': 1 / 3, odd };
}

/** Uploads the run to a service on loopback by the client's own command. */
async function upload(): Promise<RecordingServer> {
  await using server = await RecordingServer.start(answer);
  const directory = dirname(onlyFile(join(folder.path, 'run'), '.swanlab'));
  const words = ['swanlab', 'sync', '--host', server.url, '--api-key', 'k'.repeat(21), '--id', 'sums1', directory];
  await runClient(words, { home: join(folder.path, 'home') });
  return server;
}

function answer({ method, path, body }: RecordedRequest): RecordedAnswer {
  if (path.endsWith('/login/api_key')) {
    return { json: { sid: 's', expiredAt: '2099-01-01T00:00:00.000Z', userInfo: { username: 'me', name: 'me' } } };
  }
  if (method === 'GET' && path === '/api/project/me/sums') {
    const group = { username: 'me' };
    return { json: { cuid: 'p', name: 'sums', path: '/me/sums', group, _count: { experiments: 0 } } };
  }
  if (path.endsWith('/experiment')) return { status: 201, json: named.parse(JSON.parse(body)) };
  return { json: {} };
}

/** The uploaded numbers of the metric as [step, value]. */
function uploaded(server: RecordingServer, key: string): unknown[] {
  const batches = server.bodies('POST', /\/house\/metrics$/).map((body) => points.parse(JSON.parse(body)));
  const metrics = batches.flatMap((batch) => batch.metrics);
  return metrics.filter((metric) => metric.key === key).map(({ index, data }) => [index, data]);
}

function states(server: RecordingServer): unknown[] {
  return server
    .bodies('PUT', /\/state$/)
    .map((body) => z.looseObject({ state: z.string() }).parse(JSON.parse(body)).state);
}

describe.skipIf(python === undefined)(needsPython, () => {
  test('swanlab sync uploads the run with its config, its columns and how it ended', async () => {
    await session([0, 1, 2, 3]);
    const server = await upload();
    const [created] = server.bodies('POST', /\/experiment$/).map((body) => named.parse(JSON.parse(body)));
    const name = 'sums-2026-01-31_12-00-00';
    expect(created).toMatchObject({ name, description: 'first try', labels: [{ name: 'small' }], cluster: 'g' });
    const profiles = server.bodies('PUT', /\/profile$/).map((body) => JSON.parse(body));
    expect(profiles).toContainEqual({ config: expect.objectContaining({ seed: { value: 7, desc: '', sort: 0 } }) });
    expect(profiles).toContainEqual({ metadata: expect.objectContaining({ _version: 2 }) });
    expect(server.bodies('POST', /\/columns$/).flatMap((body) => columns.parse(JSON.parse(body)))).toEqual([
      { key: 'critic/score/mean', type: 'FLOAT', sectionName: 'critic' },
      { key: 'val-core/sum/reward/mean@1', type: 'FLOAT', sectionName: 'val-core' },
      { key: 'odd', type: 'FLOAT' },
    ]);
    expect(states(server)).toEqual(['FINISHED']);
  });

  test('every number arrives, from a file of many blocks', async () => {
    const steps = Array.from({ length: 400 }, (_, step) => step);
    await session(steps);
    const server = await upload();
    expect(uploaded(server, 'critic/score/mean')).toEqual(steps.map((step) => [step, step / 8]));
    expect(uploaded(server, 'odd').slice(0, 4)).toEqual([...[0, 1, 2].map((step) => [step, 'nan']), [3, 0]]);
  });

  test('a resumed run arrives with each step once, from another place too', async () => {
    await session([0, 1, 2, 3], { isFinished: false });
    await session([2, 3, 4], { resumedAt: 1 });
    renameSync(join(folder.path, 'run', 'swanlog'), join(folder.path, 'run', 'moved'));
    const server = await upload();
    expect(uploaded(server, 'critic/score/mean')).toEqual([0, 1, 2, 3, 4].map((step) => [step, step / 8]));
    expect(server.bodies('PUT', /\/profile$/).join()).toContain('"lr": 0.0003');
    expect(states(server)).toEqual(['FINISHED']);
  });

  test('a run whose process was killed arrives up to the last whole record, as crashed', async () => {
    await session([0, 1, 2, 3]);
    cutAfter(onlyFile(join(folder.path, 'run'), '.swanlab'), 10);
    const server = await upload();
    expect(uploaded(server, 'critic/score/mean')).toEqual([
      [0, 0],
      [1, 0.125],
    ]);
    expect(states(server)).toEqual(['CRASHED']);
  });
});
