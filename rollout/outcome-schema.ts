import { z } from 'zod';
import type { Json, Outcome } from '../core/types.js';

const json: z.ZodType<Json> = z.json();
const span = z.object({ start: z.int().min(0), end: z.int().min(0) });
const numbers = z.record(z.string(), z.number());

const message = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string(),
  toolCalls: z.array(z.object({ name: z.string(), arguments: json })).exactOptional(),
  name: z.string().exactOptional(),
});

const toolCallRecord = z.object({
  name: z.string(),
  durationMs: z.number(),
  error: z.enum(['unparsable', 'unknown_tool', 'bad_arguments', 'failed', 'timeout']).exactOptional(),
});

const sequence = z
  .object({
    tokens: z.array(z.int().min(0)),
    mask: z.array(z.literal([0, 1])),
    logprobs: z.array(z.number()),
    samplingLogprobs: z.array(z.number()).exactOptional(),
    versions: z.array(z.int().min(-1)),
  })
  .refine(
    ({ tokens, mask, logprobs, versions, samplingLogprobs = logprobs }) =>
      [mask, logprobs, versions, samplingLogprobs].every((column) => column.length === tokens.length),
    'tokens, mask, logprobs and versions differ in length',
  );

const trajectory = z.object({
  taskId: z.string(),
  dataSource: z.string(),
  messages: z.array(message),
  turns: z.array(
    z.object({
      sequence: z.int().min(0),
      action: span,
      observation: span.exactOptional(),
      toolCalls: z.array(toolCallRecord),
      reward: z.number().exactOptional(),
    }),
  ),
  sequences: z.array(sequence),
  reward: z.object({ value: z.number(), parts: numbers, pred: z.string().exactOptional() }),
  stopReason: z.enum(['terminated', 'max_turns', 'max_response_tokens', 'max_context', 'deadline']),
  metrics: numbers,
});

/** An Outcome that came from another process. */
export const outcomeSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('scored'), trajectory }),
  z.object({
    status: z.literal('failed'),
    error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }),
  }),
  z.object({ status: z.literal('cancelled'), reason: z.string() }),
]) satisfies z.ZodType<Outcome>;
