import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Deadline } from '../../core/deadline.js';

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('Deadline', () => {
  it('aborts when the time is up and says so', async () => {
    using deadline = new Deadline(new AbortController().signal, 5);
    await ended(deadline.signal);
    expect(deadline.isExpired).toBe(true);
    expect(deadline.signal.reason).toMatchObject({ name: 'TimeoutError', message: 'deadline of 5 ms passed' });
  });

  it('aborts with its parent, with its reason, and has not expired', () => {
    const parent = new AbortController();
    using deadline = new Deadline(parent.signal, 60_000);
    const reason = new Error('enough');
    parent.abort(reason);
    expect(deadline.signal.reason).toBe(reason);
    expect(deadline.isExpired).toBe(false);
  });

  it('of an aborted parent is aborted at once', () => {
    const reason = new Error('before');
    using deadline = new Deadline(AbortSignal.abort(reason), 60_000);
    expect(deadline.signal).toMatchObject({ aborted: true, reason });
  });

  it('that expired keeps its reason when the parent aborts later', async () => {
    const parent = new AbortController();
    using deadline = new Deadline(parent.signal, 1);
    await ended(deadline.signal);
    parent.abort(new Error('late'));
    expect(deadline.signal.reason).toMatchObject({ name: 'TimeoutError' });
  });

  it('does not expire at once for a time longer than a timer can wait', () => {
    using deadline = new Deadline(new AbortController().signal, Number.MAX_SAFE_INTEGER);
    expect(deadline.signal.aborted).toBe(false);
  });

  it('leaves neither timer nor listener behind, however often it is disposed', () => {
    const parent = new AbortController();
    const before = timers();
    const deadlines = Array.from({ length: 50 }, () => new Deadline(parent.signal, 60_000));
    expect(getEventListeners(parent.signal, 'abort')).toHaveLength(50);
    for (const deadline of [...deadlines, ...deadlines]) deadline[Symbol.dispose]();
    expect(getEventListeners(parent.signal, 'abort')).toHaveLength(0);
    expect(timers()).toBe(before);
  });

  it('that is disposed follows its parent no longer', () => {
    const parent = new AbortController();
    const deadline = new Deadline(parent.signal, 60_000);
    deadline[Symbol.dispose]();
    parent.abort();
    expect(deadline.signal.aborted).toBe(false);
  });
});
