import type { z } from 'zod';
import { ConfigError } from '../core/errors.js';
import { describeTool } from './describe-tool.js';
import type { Tool, ToolContext, ToolResult } from './tool.js';

/** A tool as its author writes it; `execute` gets the parsed input. */
export interface ToolSpec<Input> {
  /** What the model calls it: a letter or underscore, then letters, digits, underscores and dashes, 64 characters at most. */
  readonly name: string;
  /** What the model reads about it. */
  readonly description: string;
  /** An object of named arguments; `.describe()` of a field reaches the model. */
  readonly input: z.ZodType<Input>;
  /** Default 10 seconds. */
  readonly timeoutMs?: number;
  execute(input: Input, context: ToolContext): Promise<ToolResult>;
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/;
const DEFAULT_TIMEOUT_MS = 10_000;

/** Makes a tool. Throws ConfigError when the model could not be told about it: a bad name, an input without a JSON schema. */
export function defineTool<Input>(spec: ToolSpec<Input>): Tool<Input> {
  if (!NAME.test(spec.name)) throw new ConfigError(`tool name '${spec.name}' does not match ${NAME.source}`);
  const timeoutMs = spec.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  if (!(timeoutMs > 0)) throw new ConfigError(`tool ${spec.name}: timeoutMs is ${timeoutMs}, it must be above 0`);
  const tool: Tool<Input> = {
    kind: 'tool',
    name: spec.name,
    description: spec.description,
    input: spec.input,
    timeoutMs,
    execute: (input, context) => spec.execute(input, context),
  };
  describeTool(tool);
  return tool;
}
