import type { z } from 'zod';
import { Deadline } from '../core/deadline.js';
import { ConfigError, InfrastructureError } from '../core/errors.js';
import type { Message, ToolCall, ToolCallRecord } from '../core/types.js';
import { untilAborted } from '../core/until-aborted.js';
import type { Tool, ToolContext, ToolResult } from './tool.js';

/** What the model reads of its call, and what is counted. */
export interface ExecutedCall {
  readonly message: Message;
  readonly record: ToolCallRecord;
}

/**
 * Runs one call within the tool's time. Every mistake of the model's becomes a message.
 * Throws InfrastructureError for a failure of the tool itself, and the signal's reason when aborted.
 */
export async function executeToolCall(
  call: ToolCall,
  tools: readonly Tool[],
  context: ToolContext,
): Promise<ExecutedCall> {
  context.signal.throwIfAborted();
  const startedAt = performance.now();
  const { content, error } = await answer(call, tools, context);
  const durationMs = performance.now() - startedAt;
  return {
    message: { role: 'tool', name: call.name, content },
    record: { name: call.name, durationMs, ...(error === undefined ? {} : { error }) },
  };
}

/** The answer to a call that could not be read; `reason` is one sentence. */
export function unparsableCall(reason: string): ExecutedCall {
  return {
    message: { role: 'tool', content: `The tool call could not be read: ${reason}` },
    record: { name: '', durationMs: 0, error: 'unparsable' },
  };
}

interface Answer {
  readonly content: string;
  readonly error?: ToolCallRecord['error'];
}

async function answer(call: ToolCall, tools: readonly Tool[], context: ToolContext): Promise<Answer> {
  const tool = tools.find(({ name }) => name === call.name);
  if (tool === undefined) return { content: unknownTool(call.name, tools), error: 'unknown_tool' };
  const input = await tool.input.safeParseAsync(call.arguments);
  if (!input.success) return { content: badArguments(tool, input.error), error: 'bad_arguments' };
  using deadline = new Deadline(context.signal, tool.timeoutMs);
  try {
    const result = await untilAborted(execute(tool, input.data, context, deadline.signal), deadline.signal);
    return resultAnswer(result);
  } catch (error) {
    context.signal.throwIfAborted();
    if (deadline.isExpired) return { content: timedOut(tool), error: 'timeout' };
    if (error instanceof InfrastructureError || error instanceof ConfigError) throw error;
    throw new InfrastructureError('tool_crashed', `tool ${tool.name}: ${error}`, { retryable: true, cause: error });
  }
}

async function execute(tool: Tool, input: unknown, context: ToolContext, signal: AbortSignal): Promise<ToolResult> {
  return await tool.execute(input, { signal, sandbox: () => context.sandbox() });
}

function resultAnswer({ content, isError, isTimeout }: ToolResult): Answer {
  if (isTimeout) return { content, error: 'timeout' };
  return isError ? { content, error: 'failed' } : { content };
}

/** The model wrote the name: it is quoted back, but not at any length. */
function unknownTool(name: string, tools: readonly Tool[]): string {
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return `Unknown tool '${shown}'. Available tools: ${tools.map((tool) => tool.name).join(', ') || 'none'}.`;
}

function badArguments(tool: Tool, { issues }: z.ZodError): string {
  const lines = issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  return `Bad arguments for tool '${tool.name}': ${lines.join('; ')}`;
}

function timedOut(tool: Tool): string {
  return `Tool '${tool.name}' did not finish within ${tool.timeoutMs / 1000} s and was stopped.`;
}
