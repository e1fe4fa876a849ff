import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { setLogSink } from '../../../core/log.js';
import { BullmqFabric } from '../../../rollout/fabric/bullmq.js';
import { type PrivateRedis, startPrivateRedis } from '../../../rollout/fabric/redis-server.js';
import { describeJobFabric, Hanging } from './conformance.js';
import { SlowNetwork } from './slow-network.js';

const never = new AbortController().signal;
const patient = { deadlineMs: 20_000, attempts: 3 };
const one = { concurrency: 1 };
const times = { leaseMs: 1500, stalledMs: 500, sweepMs: 300, backoffMs: 5 };
let redis: PrivateRedis;
let admin: Redis;
let namespace: string;

beforeAll(async () => {
  redis = (await startPrivateRedis(never))!;
  admin = new Redis({ path: redis.path });
});
afterAll(async () => {
  admin.disconnect();
  await redis[Symbol.asyncDispose]();
});
beforeEach(() => {
  namespace = randomUUID();
  setLogSink(() => {});
});
afterEach(() => setLogSink());

describeJobFabric('BullMQ fabric', () => open());

test('a job submitted in one process runs in another and its cancellation gets there within a second', async () => {
  await using submitter = await open();
  await using workers = await open();
  const handler = new Hanging();
  workers.work('n', handler.run, one);
  const abort = new AbortController();
  const result = submitter.submit('n', null, { ...patient, id: 'x' }, abort.signal);
  const rejected = expect(result).rejects.toThrow('enough');
  await handler.started();
  const from = performance.now();
  abort.abort(new Error('enough'));
  await rejected;
  expect(await handler.stopped()).toMatchObject({ name: 'AbortError' });
  expect(performance.now() - from).toBeLessThan(1000);
});

test('of two processes that wait for one job one may abort and the other still gets the result', async () => {
  await using first = await open();
  await using second = await open();
  const handler = new Hanging();
  first.work('n', handler.run, one);
  const abort = new AbortController();
  const leaving = first.submit('n', null, { ...patient, id: 'x' }, abort.signal);
  const rejected = expect(leaving).rejects.toThrow('enough');
  const staying = second.submit('n', null, { ...patient, id: 'x' }, never);
  await handler.started();
  await until(async () => (await admin.zcard(key('want:n:jx'))) === 2);
  abort.abort(new Error('enough'));
  await rejected;
  await until(async () => (await admin.zcard(key('want:n:jx'))) === 1);
  handler.finish('result');
  expect(await staying).toBe('result');
});

test('a worker cut off from Redis aborts its handler before another one starts the job again', async () => {
  await using network = await SlowNetwork.open(`${redis.path}.cut`, redis.path);
  await using cutOff = await open(network.path);
  await using fabric = await open();
  const handler = new Hanging();
  cutOff.work('n', handler.run, one);
  const result = fabric.submit('n', null, { ...patient, id: 'x' }, never);
  await handler.started();
  const order: string[] = [];
  const stopped = handler.stopped().then(() => order.push('stopped'));
  network.cut();
  const from = performance.now();
  fabric.work('n', async (_payload, { attempt }) => order.push('again') && attempt, one);
  expect(await result).toBe(2);
  await stopped;
  expect(order).toEqual(['stopped', 'again']);
  expect(performance.now() - from).toBeLessThan(times.leaseMs + 3 * times.stalledMs);
  network.mend();
});

test('a job whose workers are lost at every attempt fails', async () => {
  await using network = await SlowNetwork.open(`${redis.path}.lost`, redis.path);
  await using cutOff = await open(network.path);
  await using fabric = await open();
  const handler = new Hanging();
  cutOff.work('n', handler.run, one);
  const result = fabric.submit('n', null, { id: 'x', deadlineMs: 20_000, attempts: 1 }, never);
  const rejected = expect(result).rejects.toMatchObject({ code: 'worker_lost', retryable: true });
  await handler.started();
  network.cut();
  fabric.work('n', async () => 'never', one);
  await rejected;
  network.mend();
});

test('the job of a submitter that vanished ends at its deadline', async () => {
  await using network = await SlowNetwork.open(`${redis.path}.gone`, redis.path);
  await using vanished = await open(network.path);
  await using workers = await open();
  const handler = new Hanging();
  workers.work('n', handler.run, one);
  const result = vanished.submit('n', null, { id: 'x', deadlineMs: 1200, attempts: 3 }, never);
  const rejected = expect(result).rejects.toMatchObject({ code: 'deadline' });
  await handler.started();
  network.cut();
  await rejected;
  expect(await handler.stopped()).toMatchObject({ name: 'TimeoutError' });
  network.mend();
});

test('a submitter started over gets the result of the job it left behind', async () => {
  const network = await SlowNetwork.open(`${redis.path}.over`, redis.path);
  await using workers = await open();
  let runs = 0;
  {
    await using first = await open(network.path);
    const result = first.submit('n', null, { ...patient, id: 'x' }, never);
    const rejected = expect(result).rejects.toMatchObject({ code: 'fabric_closed' });
    await until(async () => (await admin.exists(key('queue:n:jx'))) === 1);
    await network[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    await rejected;
  }
  workers.work('n', async () => ++runs, one);
  await until(async () => (await admin.exists(key('result:n:jx'))) === 1);
  await using second = await open();
  expect(await second.submit('n', null, { ...patient, id: 'x' }, never)).toBe(1);
  expect(runs).toBe(1);
});

test('jobs that Redis forgot are submitted again', async () => {
  await using fabric = await open();
  const result = fabric.submit('n', 'x', { ...patient, id: 'x' }, never);
  await until(async () => (await admin.exists(key('queue:n:jx'))) === 1);
  await admin.del(...(await keys()));
  fabric.work('n', async (json) => json, one);
  expect(await result).toBe('x');
});

test('every job is answered although all connections break again and again', async () => {
  await using fabric = await open();
  fabric.work('n', async (json) => json, { concurrency: 4 });
  const ids = Array.from({ length: 60 }, (_, index) => index);
  const results: Promise<unknown>[] = [];
  for (const n of ids) {
    results.push(fabric.submit('n', n, { ...patient, id: `${n}` }, never));
    if (n % 20 === 10) await breakConnections();
  }
  expect(await Promise.all(results)).toEqual(ids);
});

test('messages and jobs of another version harm no worker', async () => {
  await using fabric = await open();
  fabric.work('n', async (json) => json, one);
  await fabric.submit('n', 1, { ...patient, id: 'warm up' }, never);
  for (const message of ['{', '{"queue":"n"}']) await admin.publish(key('cancel'), message);
  const result = fabric.submit('foreign', 1, { ...patient, id: 'x' }, never);
  const rejected = expect(result).rejects.toMatchObject({ code: 'unreadable_job' });
  await until(async () => (await admin.exists(key('queue:foreign:jx'))) === 1);
  await admin.hset(key('queue:foreign:jx'), 'data', '{"task":1}');
  fabric.work('foreign', async (json) => json, one);
  await rejected;
  expect(await fabric.submit('n', 2, { ...patient, id: 'after' }, never)).toBe(2);
});

test('a disposed fabric leaves no connection and only keys that expire', async () => {
  const before = await connections();
  {
    await using fabric = await open();
    fabric.work('n', async (json) => json, { concurrency: 2 });
    const abort = new AbortController();
    const waiting = fabric.submit('nobody', null, { ...patient, id: 'x' }, abort.signal);
    const rejected = expect(waiting).rejects.toThrow('enough');
    const unfinished = fabric.submit('nobody', null, { ...patient, id: 'y' }, never);
    const closed = expect(unfinished).rejects.toMatchObject({ code: 'fabric_closed' });
    for (const n of [1, 2, 3]) await fabric.submit('n', n, { ...patient, id: `${n}` }, never);
    abort.abort(new Error('enough'));
    await rejected;
    await fabric[Symbol.asyncDispose]();
    await closed;
  }
  const lasting = [];
  for (const name of await keys()) if ((await admin.pttl(name)) < 0) lasting.push(name);
  expect(lasting).toEqual([]);
  await until(async () => (await connections()) === before);
});

test('disposing ends within 5 s although Redis is gone', async () => {
  const own = (await startPrivateRedis(never))!;
  const fabric = await open(own.path);
  const handler = new Hanging();
  fabric.work('n', handler.run, one);
  const result = fabric.submit('n', null, { ...patient, id: 'x' }, never);
  const rejected = expect(result).rejects.toMatchObject({ code: 'fabric_closed' });
  await handler.started();
  await own[Symbol.asyncDispose]();
  const from = performance.now();
  await fabric[Symbol.asyncDispose]();
  await rejected;
  expect(performance.now() - from).toBeLessThan(5000);
});

function open(path = redis.path): Promise<BullmqFabric> {
  return BullmqFabric.connect({ redis: { path }, namespace, times }, never);
}

function key(name: string): string {
  return `{verlet:${namespace}}:${name}`;
}

function keys(): Promise<string[]> {
  return admin.keys(`*${namespace}*`);
}

async function connections(): Promise<number> {
  return String(await admin.client('LIST'))
    .trim()
    .split('\n').length;
}

async function breakConnections(): Promise<void> {
  await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes');
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
