import { onAbort } from './on-abort.js';

/** How long work may take to clean up after its signal aborted, before it is left to itself. */
const GRACE_MS = 500;

/** The work's result; rejects with the signal's reason shortly after an abort that the work ignores. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let grace: NodeJS.Timeout | undefined;
  let giveUp: (reason: unknown) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  using _listening = onAbort(signal, () => {
    grace = setTimeout(() => giveUp(signal.reason), GRACE_MS);
  });
  try {
    return await Promise.race([work, givenUp]);
  } finally {
    clearTimeout(grace);
  }
}
