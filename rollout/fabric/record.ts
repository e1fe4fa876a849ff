import { z } from 'zod';
import { InfrastructureError } from '../../core/errors.js';
import type { Failure, Json } from '../../core/types.js';

/** How a job ended, as text: what travels, and what is remembered. */
export type JobRecord = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly failure: Failure };

/** Parsed JSON is Json already; walking a whole trajectory once more would cost milliseconds. */
export const parsedJson = z.custom<Json>((value) => value !== undefined);

const jobRecord = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: parsedJson }),
  z.object({
    ok: z.literal(false),
    failure: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }),
  }),
]);

/** Throws on what JSON cannot hold (cycles, BigInt). */
export function encodeRecord(record: JobRecord): string {
  return JSON.stringify(record);
}

/** The value of the record; throws its failure as an InfrastructureError. */
export function resultOf(text: string): Json {
  const parsed = jobRecord.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const message = `a job's result has a form this version does not know: ${text.slice(0, 200)}`;
    throw new InfrastructureError('unreadable_result', message, { retryable: false });
  }
  if (parsed.data.ok) return parsed.data.value;
  throw InfrastructureError.fromFailure(parsed.data.failure);
}
