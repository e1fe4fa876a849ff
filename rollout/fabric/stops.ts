import type { Abandonment } from './waiters.js';

/** The reason a handler finds in its signal when nobody waits for its result any more. */
export function abandoned(why: Abandonment): DOMException {
  return why === 'deadline'
    ? new DOMException('the deadline of the job passed', 'TimeoutError')
    : new DOMException('the job was cancelled', 'AbortError');
}

/** The reason a handler finds in its signal when its worker is closed; another worker runs the job again. */
export function shutDown(): DOMException {
  return new DOMException('the worker is shutting down', 'AbortError');
}

/** The reason a handler finds in its signal when another worker may already run its job. */
export function leaseLost(): DOMException {
  return new DOMException('the lease of the job was lost', 'AbortError');
}
