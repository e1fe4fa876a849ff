import { expect, test } from 'vitest';
import { InfrastructureError } from '../../../core/errors.js';
import { retryDelayMs, runAttempt } from '../../../rollout/fabric/attempt.js';
import { resultOf } from '../../../rollout/fabric/record.js';

const aborted = AbortSignal.abort(new Error('enough'));
const job = { id: 'x', attempt: 1, attempts: 2, signal: new AbortController().signal };

test('the wait doubles with each attempt and ends at 30 s', () => {
  expect([1, 2, 3, 6, 100].map((attempt) => retryDelayMs(attempt, 1000))).toEqual([1000, 2000, 4000, 30_000, 30_000]);
});

test('a handler whose signal is aborted already does not run', async () => {
  let runs = 0;
  expect(await runAttempt(async () => ++runs, null, { ...job, signal: aborted })).toEqual({ end: 'stopped' });
  expect(runs).toBe(0);
});

test('a value counts although the signal was aborted meanwhile, an error does not', async () => {
  const abort = new AbortController();
  const late = { ...job, signal: abort.signal };
  const value = runAttempt(async () => Promise.resolve(abort.abort()).then(() => 1), null, late);
  expect(await value).toMatchObject({ end: 'finished' });
  const again = new AbortController();
  const failing = runAttempt(async () => fail(again), null, { ...job, signal: again.signal });
  expect(await failing).toEqual({ end: 'stopped' });
});

test('a failure travels as code, message and retryable', async () => {
  const handler = () => Promise.reject(new InfrastructureError('engine_gone', 'no', { retryable: true }));
  const ended = await runAttempt(handler, null, { ...job, attempt: 2 });
  const record = ended.end === 'finished' ? ended.record : '';
  expect(() => resultOf(record)).toThrow(expect.objectContaining({ code: 'engine_gone', retryable: true }));
});

test('a record of another form is a failure of infrastructure', () => {
  expect(() => resultOf('{"ok":"perhaps"}')).toThrow(expect.objectContaining({ code: 'unreadable_result' }));
});

function fail(abort: AbortController): never {
  abort.abort();
  throw new Error('in the middle');
}
