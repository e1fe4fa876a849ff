import { InfrastructureError } from '../../core/errors.js';
import { log } from '../../core/log.js';
import type { JobContext, JobHandler, Json } from '../../core/types.js';
import { encodeRecord } from './record.js';

/** How one run of a handler ended: with a final record, to be tried again, or because its signal was aborted. */
export type AttemptEnd =
  | { readonly end: 'finished'; readonly record: string }
  | { readonly end: 'retry'; readonly error: InfrastructureError }
  | { readonly end: 'stopped' };

/** Runs the handler once and never throws. A value counts even when it came after the abort. */
export async function runAttempt(
  handler: JobHandler,
  payload: Json,
  job: JobContext & { readonly attempts: number },
): Promise<AttemptEnd> {
  if (job.signal.aborted) return { end: 'stopped' };
  try {
    const value = await handler(payload, { id: job.id, attempt: job.attempt, signal: job.signal });
    return { end: 'finished', record: encodeRecord({ ok: true, value: value === undefined ? null : value }) };
  } catch (thrown) {
    if (job.signal.aborted) return { end: 'stopped' };
    const error = thrown instanceof InfrastructureError ? thrown : crashed(thrown, job.id);
    if (error.retryable && job.attempt < job.attempts) return { end: 'retry', error };
    return { end: 'finished', record: encodeRecord({ ok: false, failure: error.toFailure() }) };
  }
}

/** Milliseconds to wait after attempt `attempt` (from 1) failed: doubles from `firstMs`, at most 30 s. */
export function retryDelayMs(attempt: number, firstMs: number): number {
  return Math.min(firstMs * 2 ** (attempt - 1), 30_000);
}

/** Anything but an InfrastructureError is a mistake in the handler: another attempt would make it again. */
function crashed(thrown: unknown, id: string): InfrastructureError {
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  log('error', 'handler_crashed', { id, stack: (thrown instanceof Error && thrown.stack) || text });
  return new InfrastructureError('handler_crashed', text, { retryable: false, cause: thrown });
}
