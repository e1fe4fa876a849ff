import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError, InfrastructureError } from '../../../core/errors.js';
import { setLogSink } from '../../../core/log.js';
import { GuardedTracker, type GuardLimits } from '../../../core/trackers/guarded-tracker.js';
import { MemoryTracker } from '../../../core/trackers/memory.js';
import type { OpenTracker } from '../../../core/trackers/tracker-context.js';
import type { Metrics } from '../../../core/types.js';
import { exampleGroup } from '../../helpers/trajectories.js';

let lines: string[];
beforeEach(() => {
  lines = [];
  setLogSink((line) => void lines.push(line));
});
afterEach(() => setLogSink());

/** A tracker in memory whose calls to log first ask what is to go wrong. */
class FragileTracker extends MemoryTracker implements OpenTracker {
  calls = 0;
  isFinished = false;
  isDisposed = false;
  readonly #trouble: (call: number) => Promise<void> | void;

  constructor(trouble: (call: number) => Promise<void> | void = () => {}) {
    super();
    this.#trouble = trouble;
  }

  override async log(step: number, metrics: Metrics): Promise<void> {
    await this.#trouble(this.calls++);
    await super.log(step, metrics);
  }

  async steps(): Promise<number[]> {
    return (await this.readMetrics()).map(({ step }) => step);
  }

  finish(): void {
    this.isFinished = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
  }
}

const quick = { backoffMs: 1, maxBackoffMs: 2, flushTimeoutMs: 5_000, closeTimeoutMs: 20 };

async function guard(inner: OpenTracker, limits: Partial<GuardLimits> = {}): Promise<GuardedTracker> {
  const options = { name: 'fragile', open: async () => inner, limits: { ...quick, ...limits } };
  return (await GuardedTracker.open(options, new AbortController().signal)).tracker;
}

function events(): (string | undefined)[] {
  return lines.map((line) => line.split(' ').slice(2).join(' '));
}

const away = () => new InfrastructureError('away', 'nobody there', { retryable: true });
const forever = () => new Promise<never>(() => {});

test('what it is told arrives in order, and disposing waits for it', async () => {
  const inner = new FragileTracker(() => new Promise((resolve) => setImmediate(resolve)));
  const tracker = await guard(inner);
  for (const step of [1, 2, 3]) await tracker.log(step, {});
  await tracker.trajectories(3, 'eval', [exampleGroup()]);
  tracker.finish();
  await tracker[Symbol.asyncDispose]();
  expect(inner.isFinished).toBe(true);
  expect(await inner.steps()).toEqual([1, 2, 3]);
  expect(await inner.trajectorySteps('eval')).toEqual([3]);
  expect(inner.isDisposed).toBe(true);
  expect(lines).toEqual([]);
});

test("the world's failures are tried again until they pass, with one warning", async () => {
  const inner = new FragileTracker((call) => {
    if (call < 4) throw away();
  });
  const tracker = await guard(inner);
  for (const step of [1, 2]) await tracker.log(step, {});
  await tracker[Symbol.asyncDispose]();
  expect(await inner.steps()).toEqual([1, 2]);
  expect(events()).toEqual([
    'tracker_unreachable tracker=fragile reason="nobody there" maxQueued=1000',
    'tracker_is_back tracker=fragile dropped=0',
  ]);
});

test('a call returns at once while the tracker hangs, and disposing ends within its deadline', async () => {
  const tracker = await guard(new FragileTracker(forever), { flushTimeoutMs: 20 });
  for (const step of [1, 2, 3]) await tracker.log(step, {});
  await tracker[Symbol.asyncDispose]();
  expect(tracker.dropped).toBe(3);
  expect(events()).toEqual(['tracker_dropped tracker=fragile calls=3']);
});

test('a tracker that hangs past the deadline of a call is given up and never called again', async () => {
  const inner = new FragileTracker(forever);
  const tracker = await guard(inner, { callTimeoutMs: 10 });
  for (const step of [1, 2]) await tracker.log(step, {});
  await tracker[Symbol.asyncDispose]();
  expect(inner.calls).toBe(1);
  expect(tracker.dropped).toBe(2);
  expect(events()[0]).toBe('tracker_given_up tracker=fragile reason="does not answer within 10 ms"');
});

test('a full queue drops its oldest calls and counts them', async () => {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const inner = new FragileTracker(() => gate);
  const tracker = await guard(inner, { maxQueued: 2 });
  for (const step of [1, 2, 3, 4, 5]) await tracker.log(step, {});
  open();
  await tracker[Symbol.asyncDispose]();
  expect(await inner.steps()).toEqual([1, 4, 5]);
  expect(tracker.dropped).toBe(2);
  expect(events()).toEqual(['tracker_queue_full tracker=fragile dropped=1', 'tracker_dropped tracker=fragile calls=2']);
});

test('of waiting trajectories only the newest are kept, as they are large', async () => {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const inner = new FragileTracker(() => gate);
  const tracker = await guard(inner, { maxQueuedTrajectories: 1 });
  for (const step of [1, 2, 3]) {
    await tracker.log(step, {});
    await tracker.trajectories(step, 'train', [exampleGroup()]);
  }
  open();
  await tracker[Symbol.asyncDispose]();
  expect(await inner.steps()).toEqual([1, 2, 3]);
  expect(await inner.trajectorySteps('train')).toEqual([3]);
});

test('a refused call is dropped with a warning, and the next one is told', async () => {
  const inner = new FragileTracker((call) => {
    if (call === 0) throw new Error('no such key');
  });
  const tracker = await guard(inner);
  for (const step of [1, 2]) await tracker.log(step, {});
  await tracker[Symbol.asyncDispose]();
  expect(await inner.steps()).toEqual([2]);
  expect(events()[0]).toBe('tracker_refused tracker=fragile reason="no such key" dropped=1');
});

test('a tracker that refuses again and again is given up', async () => {
  const inner = new FragileTracker(() => {
    throw new Error('no');
  });
  const tracker = await guard(inner, { maxRefusals: 3 });
  for (const step of [1, 2, 3, 4, 5]) await tracker.log(step, {});
  await tracker[Symbol.asyncDispose]();
  expect(inner.calls).toBe(3);
  expect(tracker.dropped).toBe(5);
});

test('one that is not there at the start is a note, and is told all once it is', async () => {
  const inner = new FragileTracker();
  let attempts = 0;
  const open = async () => {
    if (attempts++ < 3) throw away();
    return inner;
  };
  const options = { name: 'late', open, limits: quick };
  const { tracker, note } = await GuardedTracker.open(options, new AbortController().signal);
  expect(note).toBe('tracker late is not there yet, tried again: nobody there');
  await tracker.log(1, {});
  await tracker[Symbol.asyncDispose]();
  expect(await inner.steps()).toEqual([1]);
});

test('one that can never be opened is a mistake of the config', async () => {
  const open = () => Promise.reject(new Error('permission denied'));
  const opening = GuardedTracker.open({ name: 'closed', open }, new AbortController().signal);
  await expect(opening).rejects.toThrow(new ConfigError('tracker closed cannot be opened: permission denied'));
});

test('when the run is aborted before the tracker was ever there, disposing does not wait for it', async () => {
  const run = new AbortController();
  const open = async () => {
    throw away();
  };
  const options = { name: 'never', open, limits: { ...quick, flushTimeoutMs: 60_000 } };
  const { tracker } = await GuardedTracker.open(options, run.signal);
  await tracker.log(1, {});
  run.abort(new Error('stop'));
  await tracker[Symbol.asyncDispose]();
  expect(tracker.dropped).toBe(1);
});
