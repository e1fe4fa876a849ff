import type { z } from 'zod';
import type { Sandbox } from '../core/types.js';

/** What a tool may use while it runs one call. */
export interface ToolContext {
  /** Aborts when the call's time is up or the episode ends. */
  readonly signal: AbortSignal;
  /** The episode's sandbox, made at the first call and shared by the episode's later calls. */
  sandbox(): Promise<Sandbox>;
}

/** What the model gets to read. `isError` marks a mistake of the model's; it is counted, never thrown. */
export interface ToolResult {
  readonly content: string;
  readonly isError?: boolean;
  /** Marks an error as a program of the model's that ran out of time. */
  readonly isTimeout?: boolean;
}

/** Something a model may call. `execute` throws only for failures of ours or the world's. */
export interface Tool<Input = unknown> {
  readonly kind: 'tool';
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodType<Input>;
  /** A call that takes longer is ended and answered with a message that says so. */
  readonly timeoutMs: number;
  execute(input: Input, context: ToolContext): Promise<ToolResult>;
}
