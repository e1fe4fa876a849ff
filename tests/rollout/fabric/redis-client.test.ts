import { afterEach, beforeEach, expect, test } from 'vitest';
import { setLogSink } from '../../../core/log.js';
import { connectRedis, hangUp, OutageLog } from '../../../rollout/fabric/redis-client.js';
import { startPrivateRedis } from '../../../rollout/fabric/redis-server.js';

const never = new AbortController().signal;
const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
let lines: string[] = [];

beforeEach(() => {
  lines = [];
  setLogSink((line) => void lines.push(line.split(' ').slice(2).join(' ')));
});
afterEach(() => setLogSink());

test('an outage is reported once when it begins and once when it is over', () => {
  const outages = new OutageLog();
  for (const error of [refused, refused, refused]) outages.failed(error);
  outages.recovered();
  outages.recovered();
  outages.failed(refused);
  const began = 'redis_error error="connect ECONNREFUSED"';
  expect(lines).toEqual([began, 'redis_recovered', began]);
});

test('what Redis itself answers is no outage', () => {
  const outages = new OutageLog();
  outages.failed(new Error('OOM command not allowed'));
  outages.failed(refused);
  expect(lines).toHaveLength(2);
});

test('hanging up rejects commands that wait for an outage to end', async () => {
  const redis = (await startPrivateRedis(never))!;
  const client = await connectRedis({ path: redis.path }, never);
  const down = new Promise((resolve) => client.once('reconnecting', resolve));
  await redis[Symbol.asyncDispose]();
  await down;
  const rejected = expect(client.get('x')).rejects.toThrow('Connection is closed');
  await hangUp(client);
  await rejected;
});

test('an aborted connect rejects with the reason', async () => {
  const abort = new AbortController();
  const connecting = connectRedis({ url: 'redis://127.0.0.1:1' }, abort.signal);
  abort.abort(new Error('enough'));
  await expect(connecting).rejects.toThrow('enough');
});
