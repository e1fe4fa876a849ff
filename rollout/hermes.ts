import type { Action, Json, ToolCall, ToolDescription } from '../core/types.js';
import { type ChatPiece, chat } from './chat-pieces.js';

const OPEN = '<tool_call>';
const CLOSE = '</tool_call>';
/** A whole JSON string, so that tags inside of it are passed over, or one of the tags. */
const STRING_OR_TAG = /"(?:[^"\\\n]|\\.)*"|<\/?tool_call>/g;

/** The system section that shows the tools to the model, worded as the hermes templates of Qwen word it. */
export function toolsSection(tools: readonly ToolDescription[]): ChatPiece[] {
  const schemas = tools.map((tool) => chat`\n${pythonJson({ type: 'function', function: describe(tool) })}`);
  return chat`# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>${schemas.flat()}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>`;
}

/** One call as the model writes it. */
export function hermesCall(call: ToolCall): ChatPiece[] {
  return chat`<tool_call>\n${pythonJson({ name: call.name, arguments: call.arguments })}\n</tool_call>`;
}

/** Splits a turn's text into prose, calls and one sentence for each call that could not be read. Never throws. */
export function parseHermes(text: string): Omit<Action, 'isComplete'> {
  const toolCalls: ToolCall[] = [];
  const parseErrors: string[] = [];
  let content = '';
  let rest = text;
  for (let call = 1; ; call++) {
    const open = rest.indexOf(OPEN);
    content += open < 0 ? rest : rest.slice(0, open);
    if (open < 0) return { content: content.trim(), toolCalls, parseErrors };
    const block = readBlock(rest.slice(open + OPEN.length));
    if (block.call === undefined) parseErrors.push(`Tool call ${call} ${block.problem}.`);
    else toolCalls.push(block.call);
    rest = block.rest;
  }
}

type CallReading = { readonly call: ToolCall } | { readonly call?: never; readonly problem: string };

/** What stands after an opening tag: the call, or what is wrong with it, and the text behind it. */
function readBlock(text: string): CallReading & { readonly rest: string } {
  const end = findTag(text);
  if (end?.tag === CLOSE) {
    const reading = readCall(text.slice(0, end.index));
    if (reading.call !== undefined) return { ...reading, rest: text.slice(end.index + CLOSE.length) };
  }
  // A call that cannot be read may have unbalanced quotes: it ends at the next tag of any kind, so that the calls after it survive.
  const close = indexOrEnd(text, CLOSE);
  const open = indexOrEnd(text, OPEN);
  if (close === text.length || open < close) {
    return { problem: `was opened with ${OPEN} but never closed with ${CLOSE}`, rest: text.slice(open) };
  }
  return { ...readCall(text.slice(0, close)), rest: text.slice(close + CLOSE.length) };
}

function findTag(text: string): { tag: string; index: number } | undefined {
  for (const match of text.matchAll(STRING_OR_TAG)) {
    if (!match[0].startsWith('"')) return { tag: match[0], index: match.index };
  }
  return undefined;
}

function indexOrEnd(text: string, tag: string): number {
  const index = text.indexOf(tag);
  return index < 0 ? text.length : index;
}

function readCall(text: string): CallReading {
  const value = parseJson(text);
  if (value === undefined) return { problem: 'is not valid JSON' };
  if (!isObject(value)) return { problem: 'is not a JSON object with "name" and "arguments"' };
  const { name, arguments: args } = value;
  if (typeof name !== 'string' || name === '') return { problem: 'has no "name"' };
  if (args === undefined) return { problem: 'has no "arguments"' };
  if (!isObject(args)) return { problem: 'has "arguments" that are not a JSON object' };
  return { call: { name, arguments: args } };
}

/** Undefined instead of the engine's message, whose wording differs between Node versions and would reach the model. */
function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(tool: ToolDescription): Json {
  return { name: tool.name, description: tool.description, parameters: tool.parameters };
}

/** JSON with the separators of Python's json.dumps, which the chat templates print. */
function pythonJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}: ${pythonJson(entry)}`);
  return `{${entries.join(', ')}}`;
}
