import type { Action, Message, ToolCall } from '../core/types.js';
import type { Environment, EpisodeContext, StepResult } from '../envs/environment.js';

/** The environment's step on the first `maxToolCalls` calls; each call beyond is answered with a refusal, after the other tool messages. */
export async function stepWithinLimit(
  maxToolCalls: number,
  env: Environment,
  action: Action,
  context: EpisodeContext,
): Promise<StepResult> {
  const surplus = action.toolCalls.slice(maxToolCalls);
  const allowed = surplus.length === 0 ? action : { ...action, toolCalls: action.toolCalls.slice(0, maxToolCalls) };
  const result = await env.step(allowed, context);
  return surplus.length === 0 ? result : withRefusals(result, surplus, maxToolCalls);
}

function withRefusals(result: StepResult, surplus: readonly ToolCall[], maxToolCalls: number): StepResult {
  const content = `Not run: at most ${maxToolCalls} tool calls a turn are allowed.`;
  const refusals = surplus.map(({ name }): Message => ({ role: 'tool', name, content }));
  const firstOther = result.messages.findIndex((message) => message.role !== 'tool');
  const toolMessages = firstOther < 0 ? result.messages.length : firstOther;
  return {
    ...result,
    messages: [...result.messages.slice(0, toolMessages), ...refusals, ...result.messages.slice(toolMessages)],
    toolCalls: [...result.toolCalls, ...surplus.map(({ name }) => ({ name, durationMs: 0, error: 'failed' as const }))],
  };
}
