import { z } from 'zod';
import type { Json, Metrics, Outcome, Tracker, TrajectoryGroup } from '../types.js';

/** A tracker whose records can be read back, and cut off where a resumed run takes up. */
export interface ReadableTracker extends Tracker {
  /** All steps' metrics in the order they were logged. */
  readMetrics(): Promise<MetricsRecord[]>;
  /** Empty where nothing was written for that step. */
  readTrajectories(split: TrackedSplit, step: number): Promise<TrajectoryRecord[]>;
  /** The steps that have trajectories, ascending. */
  trajectorySteps(split: TrackedSplit): Promise<number[]>;
  /** Forgets everything of later steps, so that a resumed run does not tell them twice. */
  resumeAt(step: number): Promise<void>;
}

export type TrackedSplit = 'train' | 'eval';

/** A number, also one JSON cannot say. */
const anyNumber = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);

/** One line of metrics.jsonl, the shape of verl's file logger. */
export const metricsRecord = z.object({ step: z.int(), data: z.record(z.string(), anyNumber) });
export type MetricsRecord = z.output<typeof metricsRecord>;

const span = z.object({ start: z.int(), end: z.int() });

const message = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string(),
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.json() })).optional(),
  name: z.string().optional(),
});

const turn = z.object({
  sequence: z.int(),
  action: span,
  observation: span.optional(),
  toolCalls: z.array(
    z.object({
      name: z.string(),
      durationMs: z.number(),
      error: z.enum(['unparsable', 'unknown_tool', 'bad_arguments', 'failed', 'timeout']).optional(),
    }),
  ),
  reward: anyNumber.optional(),
});

const sequence = z.object({
  tokens: z.array(z.int()),
  mask: z.array(z.union([z.literal(0), z.literal(1)])),
  logprobs: z.array(anyNumber),
  samplingLogprobs: z.array(anyNumber).optional(),
  versions: z.array(z.int()),
});

const origin = {
  step: z.int(),
  split: z.enum(['train', 'eval']),
  task: z.object({ id: z.string(), dataSource: z.string(), data: z.json() }),
  /** Position in its group, from 0. */
  member: z.int(),
};

const scoredRecord = z.object({
  ...origin,
  status: z.literal('scored'),
  messages: z.array(message),
  turns: z.array(turn),
  sequences: z.array(sequence),
  reward: z.object({ value: anyNumber, parts: z.record(z.string(), anyNumber), pred: z.string().optional() }),
  stopReason: z.enum(['terminated', 'max_turns', 'max_response_tokens', 'max_context', 'deadline']),
  metrics: z.record(z.string(), anyNumber),
});
export type ScoredRecord = z.output<typeof scoredRecord>;

/** One line of trajectories/<split>-<step>.jsonl: a rollout as it was recorded, or how it failed. */
export const trajectoryRecord = z.discriminatedUnion('status', [
  scoredRecord,
  z.object({
    ...origin,
    status: z.literal('failed'),
    failure: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }),
  }),
  z.object({ ...origin, status: z.literal('cancelled'), reason: z.string() }),
]);
export type TrajectoryRecord = z.output<typeof trajectoryRecord>;

/** The line of metrics.jsonl for these metrics, without the line break. */
export function metricsLine(step: number, data: Metrics): string {
  return toLine({ step, data });
}

/** One line a rollout, in the order of groups and members. */
export function trajectoryLines(step: number, split: TrackedSplit, groups: readonly TrajectoryGroup[]): string[] {
  return groups.flatMap(({ task, outcomes }) =>
    outcomes.map((outcome, member) => toLine({ step, split, task, member, status: outcome.status, ...told(outcome) })),
  );
}

function told(outcome: Outcome): object {
  if (outcome.status === 'failed') return { failure: outcome.error };
  if (outcome.status === 'cancelled') return { reason: outcome.reason };
  const { messages, turns, sequences, reward, stopReason, metrics } = outcome.trajectory;
  return { messages, turns, sequences, reward, stopReason, metrics };
}

/** JSON on one line, without the line break; numbers JSON cannot say become text. */
export function toLine(record: object): string {
  return JSON.stringify(record, (_key, value: Json) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}
