import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { openMlflow } from '../../../core/trackers/mlflow.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';
import { trackersContext } from '../../helpers/tracker-context.js';

/** Answers as an MLflow server does to a run without trouble; what it was asked is kept. The live tests ask a real one. */
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '', 'http://localhost');
  asked.push({ path: pathname, authorization: request.headers.authorization, body: await jsonOf(request) });
  const [status, said] = troubles[pathname] ?? answers[pathname] ?? [404, {}];
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said));
});

const api = '/api/2.0/mlflow/';
const run = { info: { run_id: 'r1', lifecycle_stage: 'active' }, data: {} };
const answers: { readonly [path: string]: [number, object] } = {
  [`${api}experiments/get-by-name`]: [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'none' }],
  [`${api}experiments/create`]: [200, { experiment_id: '7' }],
  [`${api}runs/create`]: [200, { run }],
  [`${api}runs/log-batch`]: [200, {}],
  [`${api}runs/update`]: [200, {}],
};

let asked: { path: string; authorization: string | undefined; body: unknown }[];
let troubles: { [path: string]: [number, object] };
let url: string;
let folder: TemporaryFolder;
beforeEach(async () => {
  [asked, troubles, folder] = [[], {}, new TemporaryFolder()];
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  url = typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : '';
});
afterEach(async () => {
  folder[Symbol.dispose]();
  await once(server.close(), 'close');
});

function open(env: NodeJS.ProcessEnv, config = {}) {
  const { context } = trackersContext(folder.path, { env, config });
  return openMlflow({ name: 'mlflow' }, context, new AbortController().signal);
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const text = (await request.toArray()).join('');
  return text === '' ? undefined : JSON.parse(text);
}

test('a run is begun in the experiment of the project, told, and ended', async () => {
  const tracker = await open({ MLFLOW_TRACKING_URI: `${url}/` }, { lr: 1 });
  await tracker.log(4, { 'a@1': 0.5, b: Number.NaN });
  tracker.finish?.();
  await tracker[Symbol.asyncDispose]();
  expect(asked.map(({ path }) => path.replace(api, ''))).toEqual([
    'experiments/get-by-name',
    'experiments/create',
    'runs/create',
    'runs/log-batch',
    'runs/log-batch',
    'runs/update',
  ]);
  expect(asked[3]?.body).toEqual({ run_id: 'r1', params: [{ key: 'lr', value: '1' }] });
  const timestamp = expect.any(Number);
  const metrics = [
    { key: 'a_at_1', value: 0.5, timestamp, step: 4 },
    { key: 'b', value: 'NaN', timestamp, step: 4 },
  ];
  expect(asked[4]?.body).toEqual({ run_id: 'r1', metrics });
  expect(asked[5]?.body).toMatchObject({ run_id: 'r1', status: 'FINISHED' });
});

test.each([
  [{ MLFLOW_TRACKING_TOKEN: 'secret' }, 'Bearer secret'],
  [{ MLFLOW_TRACKING_USERNAME: 'ann', MLFLOW_TRACKING_PASSWORD: 'pass' }, 'Basic YW5uOnBhc3M='],
  [{}, undefined],
])('the login of the environment is sent: %o', async (env, authorization) => {
  await using _tracker = await open({ MLFLOW_TRACKING_URI: url, ...env });
  expect(new Set(asked.map((one) => one.authorization))).toEqual(new Set([authorization]));
});

test('a server below a path, with the login in its address', async () => {
  await expect(open({ MLFLOW_TRACKING_URI: `${url.replace('//', '//ann:pass@')}/team` })).rejects.toThrow();
  expect(asked[0]).toMatchObject({ path: `/team${api}experiments/get-by-name`, authorization: 'Basic YW5uOnBhc3M=' });
});

test.each(['', 'mlruns', 'file:///tmp/mlruns', 'sqlite:///mlflow.db'])('"%s" is no server', async (uri) => {
  await expect(open({ MLFLOW_TRACKING_URI: uri })).rejects.toThrow(ConfigError);
  await expect(open({ MLFLOW_TRACKING_URI: uri })).rejects.toThrow(/set MLFLOW_TRACKING_URI to the http/);
});

test.each([401, 403])('status %i names the variables of a login', async (status) => {
  troubles[`${api}experiments/get-by-name`] = [status, { message: 'who are you' }];
  await expect(open({ MLFLOW_TRACKING_URI: url })).rejects.toThrow(/who are you; set MLFLOW_TRACKING_TOKEN, or/);
});

test.each([
  [503, true],
  [429, true],
  [400, false],
])('a batch answered with %i can be tried again: %s', async (status, retryable) => {
  await using tracker = await open({ MLFLOW_TRACKING_URI: url });
  troubles[`${api}runs/log-batch`] = [status, {}];
  await expect(tracker.log(1, { a: 1 })).rejects.toMatchObject({ name: 'InfrastructureError', retryable });
});

test('a server that is not there can be tried again', async () => {
  const opening = open({ MLFLOW_TRACKING_URI: 'http://127.0.0.1:9' });
  await expect(opening).rejects.toMatchObject({ code: 'mlflow_unreachable', retryable: true });
});

test('a deleted experiment is answered by what to do', async () => {
  const experiment = { experiment_id: '7', lifecycle_stage: 'deleted' };
  troubles[`${api}experiments/get-by-name`] = [200, { experiment }];
  await expect(open({ MLFLOW_TRACKING_URI: url })).rejects.toThrow('restore it, or name another');
});
