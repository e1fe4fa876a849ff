import { setTimeout as delay } from 'node:timers/promises';

/** Resolves when the promise settles, or after the time if that is sooner; never throws. */
export async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  const timeout = delay(ms, undefined, { signal: stop.signal }).catch(() => undefined);
  await Promise.race([promise.catch(() => undefined), timeout]);
  stop.abort();
}
