import { z } from 'zod';
import { parseConfig } from '../config.js';
import { ConfigError } from '../errors.js';
import type { Json, Message, ToolDescription } from '../types.js';
import { hfMessages, parseJson } from './hf-message.js';
import { type FileRow, placeOf, type Row } from './row.js';

const column = z.string().min(1);

/** Which columns of supervised data are read; verl's names. */
export const sftColumns = {
  messagesKey: column.default('messages').describe('column of conversations: lists of {role, content, …}'),
  toolsKey: column.default('tools').describe('column of the tools that a conversation offers, where there are any'),
  enableThinkingKey: column
    .default('enable_thinking')
    .describe('column that says whether the template lets the model reason, where there is one'),
  promptKey: column
    .nullable()
    .default(null)
    .describe('column of prompts, for data without conversations; a.b is field b of column a'),
  responseKey: column.nullable().default(null).describe('column of the responses to them'),
};

export type SftColumns = z.output<z.ZodObject<typeof sftColumns>>;

/** False where only one of the columns of prompts and responses is named. */
export function columnsGoTogether({ promptKey, responseKey }: SftColumns): boolean {
  return (promptKey === null) === (responseKey === null);
}

/** What one row of supervised data says; assistant turns are what is learned. */
export interface Conversation {
  /** File and row, for messages. */
  readonly place: string;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolDescription[];
  /** Undefined where the row leaves it to the template. */
  readonly enableThinking: boolean | undefined;
}

/** Throws ConfigError naming file, row and field where the row does not hold what the columns are to hold. */
export function conversationOf(fileRow: FileRow, columns: SftColumns): Conversation {
  const { messagesKey, toolsKey, enableThinkingKey, promptKey, responseKey } = columns;
  const read = <Value>(key: string, schema: z.ZodType<Value>) => readField(fileRow, key, schema);
  const messages =
    promptKey === null || responseKey === null
      ? required(fileRow, messagesKey, read(messagesKey, hfMessages))
      : [
          ...required(fileRow, promptKey, read(promptKey, said('user'))),
          ...required(fileRow, responseKey, read(responseKey, said('assistant'))),
        ];
  return {
    place: placeOf(fileRow),
    messages,
    tools: read(toolsKey, toolList) ?? [],
    enableThinking: read(enableThinkingKey, z.boolean()),
  };
}

/** Undefined where the row has null or no such column. */
function readField<Value>(fileRow: FileRow, key: string, schema: z.ZodType<Value>): Value | undefined {
  const value = valueAt(fileRow.row, key);
  if (value === undefined || value === null) return undefined;
  return parseConfig(z.object({ [key]: schema }), { [key]: value }, { source: placeOf(fileRow) })[key];
}

/** The column of that name or, after a dot, a field in one. */
function valueAt(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || !isObject(value)) return undefined;
  if (Object.hasOwn(value, key)) return value[key];
  const dot = key.indexOf('.');
  return dot < 0 ? undefined : valueAt(value[key.slice(0, dot)], key.slice(dot + 1));
}

function isObject(value: object): value is Row {
  return !Array.isArray(value);
}

function required<Value>(fileRow: FileRow, key: string, value: Value | undefined): Value {
  if (value !== undefined) return value;
  const columns = Object.keys(fileRow.row).join(', ');
  throw new ConfigError(`${placeOf(fileRow)} has no column "${key}"; it has ${columns === '' ? 'none' : columns}`);
}

/** A text is one message of the role. */
function said(role: 'user' | 'assistant') {
  return z.preprocess((value) => (typeof value === 'string' ? [{ role, content: value }] : value), hfMessages);
}

const described = z.looseObject({
  name: z.string().min(1),
  description: z.string().nullish(),
  parameters: z.preprocess(fromText, z.record(z.string(), z.json()).nullish()),
});

/** Tools as Hugging Face's chat templates take them; a list, or its JSON as text. */
const toolList = z.preprocess(
  fromText,
  z.array(
    z.preprocess(
      (value) => functionOf(fromText(value)),
      described.transform(
        ({ name, description, parameters }): ToolDescription => ({
          name,
          description: description ?? '',
          parameters: parameters ?? {},
        }),
      ),
    ),
  ),
);

/** What a text that is JSON says; anything else as it is. */
function fromText(value: unknown): unknown {
  return typeof value === 'string' ? (parseJson(value) ?? value) : value;
}

/** `{type: function, function: …}` wraps a tool. */
function functionOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'function' in value ? value.function : value;
}
