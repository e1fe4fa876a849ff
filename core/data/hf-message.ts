import { z } from 'zod';
import type { Json, Message, ToolCall } from '../types.js';

const json: z.ZodType<Json> = z.json();

const textPart = z.looseObject({ type: z.literal('text'), text: z.string() });

/** Text, a list of parts that are all text, or null for none. */
const content = z
  .union([z.string(), z.array(textPart)], { error: 'must be text, or a list of parts {type: text, text}' })
  .nullish()
  .transform((given) => (typeof given === 'string' ? given : (given ?? []).map(({ text }) => text).join('')));

/** An object, or its JSON as text, as the wire format of OpenAI has it. */
const callArguments = json.optional().transform((given, context): Json => {
  if (typeof given !== 'string') return given ?? {};
  const parsed = parseJson(given);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: `is ${JSON.stringify(given)}, which is no JSON`, input: given });
  return z.NEVER;
});

const namedCall = z.looseObject({ name: z.string().min(1), arguments: callArguments });

const toolCall = z
  .looseObject({ id: z.string().nullish(), name: z.string().nullish(), function: namedCall.nullish() })
  .transform((call, context) => {
    const direct = call.function ?? namedCall.safeParse(call).data;
    if (direct !== undefined) return { id: call.id, call: { name: direct.name, arguments: direct.arguments } };
    context.addIssue({ code: 'custom', message: 'must have a function with a name', input: call });
    return z.NEVER;
  });

const message = z
  .looseObject({
    role: z.enum(['system', 'user', 'assistant', 'tool']),
    content,
    tool_calls: z.array(toolCall).nullish(),
    name: z.string().nullish(),
    tool_call_id: z.string().nullish(),
    reasoning_content: z
      .literal('', { error: 'is not supported; write the reasoning into content as the model’s template has it' })
      .nullish(),
  })
  .superRefine(({ role, tool_calls }, context) => {
    if (role === 'assistant' || !tool_calls?.length) return;
    context.addIssue({
      code: 'custom',
      path: ['tool_calls'],
      message: `only an assistant makes calls, not role ${role}`,
    });
  });

/** A list of messages as Hugging Face's chat templates take them, null standing for what is missing, as ours. */
export const hfMessages = z.array(message).min(1).transform(toMessages);

/** A tool's answer names its tool, or the call that it answers. */
function toMessages(given: readonly z.output<typeof message>[]): readonly Message[] {
  const names = new Map<string, string>();
  return given.map(({ role, content, tool_calls, name, tool_call_id }): Message => {
    const calls = tool_calls ?? [];
    for (const { id, call } of calls) if (id) names.set(id, call.name);
    const answered = name ?? names.get(tool_call_id ?? '');
    return {
      role,
      content,
      ...(calls.length > 0 && { toolCalls: calls.map(({ call }): ToolCall => call) }),
      ...(role === 'tool' && answered !== undefined && { name: answered }),
    };
  });
}

/** Undefined where the text is no JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    return json.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
