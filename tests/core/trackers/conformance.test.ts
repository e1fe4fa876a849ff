import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FanOutTracker } from '../../../core/trackers/fan-out.js';
import { JsonlTracker } from '../../../core/trackers/jsonl.js';
import { MemoryTracker } from '../../../core/trackers/memory.js';
import type { ReadableTracker } from '../../../core/trackers/record.js';
import { exampleGroup, exampleTrajectory } from '../../helpers/trajectories.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verlet-tracker-'));
});
afterEach(() => rm(directory, { recursive: true }));

const implementations: { name: string; make: () => ReadableTracker }[] = [
  { name: 'JsonlTracker', make: openJsonl },
  { name: 'MemoryTracker', make: () => new MemoryTracker() },
];

describe.each(implementations)('$name', ({ make }) => {
  test('metrics come back in the order they were logged', async () => {
    const tracker = make();
    await tracker.log(1, { 'actor/pg_loss': 0.25 });
    await tracker.log(2, { 'actor/pg_loss': -0.5, 'critic/score/mean': 1 });
    expect(await tracker.readMetrics()).toEqual([
      { step: 1, data: { 'actor/pg_loss': 0.25 } },
      { step: 2, data: { 'actor/pg_loss': -0.5, 'critic/score/mean': 1 } },
    ]);
  });

  test('a number that is none survives', async () => {
    const tracker = make();
    await tracker.log(1, { a: Number.NaN, b: Number.POSITIVE_INFINITY, c: Number.NEGATIVE_INFINITY });
    expect(await tracker.readMetrics()).toEqual([
      { step: 1, data: { a: Number.NaN, b: Number.POSITIVE_INFINITY, c: Number.NEGATIVE_INFINITY } },
    ]);
  });

  test('every rollout is kept: scored ones whole, failed and cancelled ones with their reason', async () => {
    const tracker = make();
    await tracker.trajectories(4, 'train', [exampleGroup()]);
    const [scored, failed, cancelled, ...rest] = await tracker.readTrajectories('train', 4);
    const { taskId: _taskId, dataSource: _dataSource, ...kept } = exampleTrajectory();
    const task = { id: 'sum-1', dataSource: 'sum', data: { a: 2, b: 2 } };
    expect(scored).toEqual({ step: 4, split: 'train', task, member: 0, status: 'scored', ...kept });
    expect(failed).toMatchObject({ member: 1, status: 'failed', failure: { code: 'sandbox_died', retryable: true } });
    expect(cancelled).toMatchObject({ member: 2, status: 'cancelled', reason: 'shutdown' });
    expect(rest).toEqual([]);
  });

  test("writing a step's trajectories again replaces them", async () => {
    const tracker = make();
    await tracker.trajectories(1, 'eval', [exampleGroup(), exampleGroup()]);
    await tracker.trajectories(1, 'eval', [exampleGroup()]);
    expect(await tracker.readTrajectories('eval', 1)).toHaveLength(3);
  });

  test('steps with trajectories are listed ascending, each split by itself', async () => {
    const tracker = make();
    for (const step of [10, 2, 0]) await tracker.trajectories(step, 'eval', [exampleGroup()]);
    await tracker.trajectories(7, 'train', []);
    expect(await tracker.trajectorySteps('eval')).toEqual([0, 2, 10]);
    expect(await tracker.trajectorySteps('train')).toEqual([7]);
  });

  test('before anything is written there is nothing', async () => {
    const tracker = make();
    expect(await tracker.readMetrics()).toEqual([]);
    expect(await tracker.readTrajectories('train', 1)).toEqual([]);
    expect(await tracker.trajectorySteps('train')).toEqual([]);
  });

  test('after resuming, the records equal those of a run that never stopped', async () => {
    const [stopped, straight] = [make(), new MemoryTracker()];
    for (const step of [1, 2, 3]) await record(stopped, step);
    await stopped.resumeAt(2);
    expect((await stopped.readMetrics()).map(({ step }) => step)).toEqual([1, 2]);
    await record(stopped, 3);
    for (const step of [1, 2, 3]) await record(straight, step);
    expect(await stopped.readMetrics()).toEqual(await straight.readMetrics());
    expect(await stopped.trajectorySteps('eval')).toEqual(await straight.trajectorySteps('eval'));
  });

  test('resuming drops the trajectories of later steps', async () => {
    const tracker = make();
    for (const step of [1, 2, 3]) await record(tracker, step);
    await tracker.resumeAt(1);
    expect(await tracker.trajectorySteps('eval')).toEqual([1]);
    expect(await tracker.readTrajectories('eval', 2)).toEqual([]);
  });
});

test('a fan-out tells every tracker', async () => {
  const trackers = [new MemoryTracker(), openJsonl()] as const;
  await record(new FanOutTracker(trackers), 5);
  for (const tracker of trackers) {
    expect(await tracker.readMetrics()).toEqual([{ step: 5, data: { score: 5 } }]);
    expect(await tracker.trajectorySteps('eval')).toEqual([5]);
  }
});

test('a fan-out tells the others when one fails, and then fails as that one did', async () => {
  const broken = new JsonlTracker({ metricsPath: directory, trajectoriesPath: '/dev/null/trajectories' });
  const memory = new MemoryTracker();
  const fanOut = new FanOutTracker([broken, memory]);
  await expect(fanOut.log(1, { a: 1 })).rejects.toThrow('EISDIR');
  await expect(fanOut.trajectories(1, 'eval', [exampleGroup()])).rejects.toThrow('ENOTDIR');
  expect(await memory.readMetrics()).toHaveLength(1);
  expect(await memory.trajectorySteps('eval')).toEqual([1]);
});

function openJsonl(): JsonlTracker {
  return new JsonlTracker({
    metricsPath: join(directory, 'metrics.jsonl'),
    trajectoriesPath: join(directory, 'trajectories'),
  });
}

async function record(tracker: Pick<ReadableTracker, 'log' | 'trajectories'>, step: number): Promise<void> {
  await tracker.log(step, { score: step });
  await tracker.trajectories(step, 'eval', [exampleGroup()]);
}
