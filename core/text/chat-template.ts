import { ConfigError } from '../errors.js';
import type { Json, Message, ToolDescription } from '../types.js';
import { ControlMarks, unusedCharacter } from './control-marks.js';
import type { HfTokenizer } from './hf-tokenizer.js';
import { globals } from './jinja-functions.js';
import { type JinjaProgram, jinjaProgram } from './jinja-program.js';
import type { TextFiles } from './text-files.js';

/** What a chat template writes down. */
export interface Conversation {
  readonly messages: readonly Message[];
  readonly tools?: readonly ToolDescription[];
}

export interface RenderOptions {
  /** Whether the text ends where the assistant is to speak. */
  readonly addGenerationPrompt: boolean;
  /** Read by the template, such as `enable_thinking`. */
  readonly variables?: { readonly [name: string]: Json };
  /** Names of control tokens in messages and tools become those tokens, as transformers has it; by default they stay text. */
  readonly allowSpecialTokens?: boolean;
}

/** The makers' way of writing a conversation down. Throws ConfigError where the template fails or refuses the conversation. */
export interface ChatTemplate {
  render(conversation: Conversation, options: RenderOptions): number[];
  /** The text before it becomes tokens; what is control and what is not can no longer be told. */
  text(conversation: Conversation, options: RenderOptions): string;
}

/**
 * The Jinja template of a checkpoint as transformers' apply_chat_template runs it. Names of tokens that are flagged special or
 * that the template itself writes stay text in user, system and tool messages and in tools; other added tokens, such as Gemma's
 * `<table>`, are ordinary vocabulary. In assistant messages only names of those flagged special stay text, as an assistant may
 * think and call tools. `now` is what the template's strftime_now tells.
 */
export function chatTemplate(files: TextFiles, tokenizer: HfTokenizer, now = () => new Date()): ChatTemplate {
  if (files.chatTemplate === undefined) {
    throw new ConfigError(
      'the model brings no chat template: choose one that was trained to talk, or name a chat format',
    );
  }
  const source = files.chatTemplate;
  const program = jinjaProgram(source);
  const control = [...tokenizer.addedTokens.values()].filter((token) => tokenizer.specials.has(token.name));
  const marksOf = {
    assistant: new ControlMarks(control.filter((token) => token.isSpecial)),
    others: new ControlMarks(control.filter((token) => token.isSpecial || source.includes(token.name))),
  };
  const write = (conversation: Conversation, options: RenderOptions): { text: string; marker: string } => {
    const marker = unusedCharacter(`${source}${JSON.stringify([conversation, options])}`);
    const mark = (value: Json, marks: ControlMarks): Json =>
      options.allowSpecialTokens === true ? value : mapTexts(value, (text) => marks.mark(text, marker));
    const messages = conversation.messages.map((message) =>
      mark(hfMessage(message), message.role === 'assistant' ? marksOf.assistant : marksOf.others),
    );
    const tools = (conversation.tools ?? []).map((tool) => mark(hfTool(tool), marksOf.others));
    const variables = {
      ...globals(now, refuse),
      ...tokenizer.namedTokens,
      documents: null,
      ...options.variables,
      messages,
      tools: tools.length > 0 ? tools : null,
      add_generation_prompt: options.addGenerationPrompt,
    };
    return { text: run(program, variables), marker };
  };
  return {
    render(conversation, options) {
      const { text, marker } = write(conversation, options);
      return tokenizer.encodeWithSpecials(text, marker);
    },
    text(conversation, options) {
      const { text, marker } = write(conversation, options);
      return text.replaceAll(marker, '');
    },
  };
}

function refuse(sentence: string): never {
  throw new ConfigError(`the chat template refuses the conversation: ${sentence}`);
}

function run(program: JinjaProgram, variables: { readonly [name: string]: unknown }): string {
  try {
    return program.run(variables);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`the chat template failed: ${message}`, { cause: error });
  }
}

function hfMessage({ role, content, toolCalls, name }: Message): Json {
  const calls = (toolCalls ?? []).map((call) => ({
    type: 'function',
    function: { name: call.name, arguments: call.arguments },
  }));
  return {
    role,
    content,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(name === undefined ? {} : { name }),
  };
}

function hfTool({ name, description, parameters }: ToolDescription): Json {
  return { type: 'function', function: { name, description, parameters } };
}

/** The same value with every text in it changed, keys too; the words of the format themselves hold no token's name. */
function mapTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (isList(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), mapTexts(item, change)]));
}

/** Array.isArray does not narrow read-only lists. */
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
