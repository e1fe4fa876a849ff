import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openMlflow } from '../../core/trackers/mlflow.js';
import { openTrackers } from '../../core/trackers/open-trackers.js';
import type { OpenTracker } from '../../core/trackers/tracker-context.js';
import type { Metrics } from '../../core/types.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';
import { trackersContext } from '../helpers/tracker-context.js';
import { askPython, needsPython, servePython, trackersPython } from '../helpers/trackers-python.js';

const readRuns = `
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name(sys.argv[2])
runs = client.search_runs([experiment.experiment_id])
print(json.dumps([{
  'name': run.info.run_name,
  'status': run.info.status,
  'params': run.data.params,
  'metrics': {key: [[m.step, str(m.value)] for m in client.get_metric_history(run.info.run_id, key)] for key in run.data.metrics},
} for run in runs]))`;

const found = z.object({ experiment: z.object({ experiment_id: z.string() }) });
const foundRuns = z.object({
  runs: z.tuple([z.object({ info: z.object({ run_id: z.string(), status: z.string() }) })]),
});
const history = z.object({ metrics: z.array(z.object({ step: z.number(), value: z.number() })) });

interface Session {
  readonly projectName: string;
  readonly steps: readonly number[];
  readonly resumedAt?: number;
  readonly ends?: 'finished' | 'failed' | 'killed';
}

let folder: TemporaryFolder;
let server: Awaited<ReturnType<typeof servePython>> | undefined;

/** Logs the steps as one session of the run in the project's folder. */
async function session({ projectName, steps, resumedAt, ends = 'finished' }: Session): Promise<void> {
  folder.write({ [`${projectName}/config.yaml`]: '' });
  const changes = {
    projectName,
    env: { MLFLOW_TRACKING_URI: server?.url },
    ...(resumedAt === undefined ? {} : { resumedAt }),
  };
  const { context } = trackersContext(join(folder.path, projectName), changes);
  const run = new AbortController();
  await using trackers = await openTrackers([{ name: 'mlflow' }], context, run.signal);
  expect(trackers.notes).toEqual([]);
  for (const step of steps) await trackers.log(step, metricsOf(step));
  if (ends === 'finished') trackers.finish();
  if (ends === 'killed') run.abort();
}

/** A tracker whose calls end when they were answered. */
async function openAlone(projectName: string): Promise<OpenTracker> {
  folder.write({ [`${projectName}/config.yaml`]: '' });
  const changes = { projectName, env: { MLFLOW_TRACKING_URI: server?.url } };
  const { context } = trackersContext(join(folder.path, projectName), changes);
  return openMlflow({ name: 'mlflow' }, context, new AbortController().signal);
}

function metricsOf(step: number): Metrics {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][step - 1] ?? 0;
  return { 'critic/score/mean': step / 4, 'val-core/sum/reward/mean@1': 1, odd };
}

/** What the server's REST API says of the project's only run. */
async function runOf(projectName: string): Promise<{ readonly id: string; readonly status: string }> {
  const { experiment } = found.parse(await ask(`experiments/get-by-name?experiment_name=${projectName}`));
  const { runs } = foundRuns.parse(await ask('runs/search', { experiment_ids: [experiment.experiment_id] }));
  return { id: runs[0].info.run_id, status: runs[0].info.status };
}

async function historyOf(projectName: string, metric: string): Promise<{ step: number; value: number }[]> {
  const { id } = await runOf(projectName);
  const query = new URLSearchParams({ run_id: id, metric_key: metric });
  return history.parse(await ask(`metrics/get-history?${query}`)).metrics;
}

async function ask(path: string, body?: object): Promise<unknown> {
  const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${server?.url}/api/2.0/mlflow/${path}`, body === undefined ? {} : sent);
  return response.json();
}

describe.runIf(trackersPython)(`an MLflow server (${needsPython})`, () => {
  beforeAll(async () => {
    folder = new TemporaryFolder();
    const store = `sqlite:///${join(folder.path, 'mlflow.db')}`;
    const args = ['server', '--backend-store-uri', store, '--artifacts-destination', join(folder.path, 'artifacts')];
    server = await servePython('mlflow', [...args, '--workers', '1'], '/health');
  }, 180_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    folder?.[Symbol.dispose]();
  });

  test('has the whole run: name, params, metrics by step, numbers that are none, and its end', async () => {
    await session({ projectName: 'whole', steps: [1, 2, 3] });
    expect(await askPython(readRuns, [server?.url ?? '', 'whole'])).toEqual([
      {
        name: 'sum-1',
        status: 'FINISHED',
        params: { 'optimizer.lr': '0.001', 'optimizer.betas': '[0.9,0.99]', name: 'sum', notes: '""' },
        metrics: {
          'critic/score/mean': [
            [1, '0.25'],
            [2, '0.5'],
            [3, '0.75'],
          ],
          'val-core/sum/reward/mean_at_1': [1, 2, 3].map((step) => [step, '1.0']),
          odd: [
            [1, 'nan'],
            [2, expect.stringMatching(/^(inf|1\.79\d*e\+308)$/)],
            [3, expect.stringMatching(/^-(inf|1\.79\d*e\+308)$/)],
          ],
        },
      },
    ]);
  });

  test('a resumed run goes on in the same MLflow run, each step told once', async () => {
    await session({ projectName: 'resumed', steps: [1, 2, 3], ends: 'killed' });
    expect(await runOf('resumed')).toMatchObject({ status: 'KILLED' });
    await session({ projectName: 'resumed', steps: [2, 3, 4], resumedAt: 1 });
    expect(await runOf('resumed')).toMatchObject({ status: 'FINISHED' });
    const told = await historyOf('resumed', 'critic/score/mean');
    expect(told.map(({ step, value }) => [step, value])).toEqual([1, 2, 3, 4].map((step) => [step, step / 4]));
  });

  test('a run that never said that it finished has failed', async () => {
    await session({ projectName: 'failed', steps: [1], ends: 'failed' });
    expect(await runOf('failed')).toMatchObject({ status: 'FAILED' });
  });

  test('a call that is made again, as its answer got lost, is told once', async () => {
    await using tracker = await openAlone('again');
    const metrics = metricsOf(2);
    await tracker.log(2, metrics);
    await tracker.log(2, metrics);
    expect(await historyOf('again', 'critic/score/mean')).toHaveLength(1);
  });

  test('more than a thousand metrics a step arrive', async () => {
    await using tracker = await openAlone('many');
    await tracker.log(1, Object.fromEntries(Array.from({ length: 1100 }, (_, index) => [`m/${index}`, index])));
    for (const index of [0, 999, 1000, 1099]) {
      expect(await historyOf('many', `m/${index}`)).toMatchObject([{ step: 1, value: index }]);
    }
  });
});
