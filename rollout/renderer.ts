import type { Tokenizer } from '../core/text/tokenizer.js';
import type { Action, Message, ToolDescription } from '../core/types.js';
import { type ChatPiece, chat, encodePieces } from './chat-pieces.js';
import { hermesCall, parseHermes, toolsSection } from './hermes.js';

/** The only translator between messages and tokens. Append-only: what was rendered once is never rendered again. */
export interface Renderer {
  /** Tokens that end the assistant's turn. */
  readonly stopTokens: readonly number[];
  /** The prompt, ready for the assistant to speak. */
  start(messages: readonly Message[], tools: readonly ToolDescription[]): number[];
  /** What follows an assistant turn that ended with a stop token: the answer, ready for the assistant to speak again. */
  append(messages: readonly Message[]): number[];
  /** Ends a turn that a budget cut, before `append`. */
  closeTurn(): number[];
  /** An assistant message as the policy would have sampled it, stop token included. */
  encodeAssistant(message: Message): number[];
  /** Reads a sampled turn, stop token included or cut off. Never throws. */
  parse(tokens: readonly number[], isComplete: boolean): Action;
}

export interface RendererOptions {
  /** Print the tools' schemas into the system message; tiny policies do without to keep contexts short. */
  readonly showTools: boolean;
}

/** ChatML with hermes tool calls, as Qwen2.5 and Qwen3 speak it, without a default system message. */
export function chatMlRenderer(tokenizer: Tokenizer, options: RendererOptions): Renderer {
  const end = tokenizer.special('<|im_end|>');
  const encode = (pieces: readonly ChatPiece[]): number[] => encodePieces(tokenizer, pieces);
  return {
    stopTokens: [end],
    start(messages, tools) {
      const prompt = options.showTools && tools.length > 0 ? withTools(messages, tools) : conversation(messages);
      return encode(chat`${prompt}<|im_start|>assistant\n`);
    },
    append: (messages) => encode(chat`\n${conversation(messages)}<|im_start|>assistant\n`),
    closeTurn: () => [end],
    encodeAssistant: (message) => encode(chat`${assistantBody(message)}<|im_end|>`),
    parse(tokens, isComplete) {
      const body = tokens.at(-1) === end ? tokens.slice(0, -1) : tokens;
      return { ...parseHermes(tokenizer.decode(body)), isComplete };
    },
  };
}

function withTools(messages: readonly Message[], tools: readonly ToolDescription[]): ChatPiece[] {
  const [first, ...others] = messages;
  const hasSystem = first?.role === 'system';
  const own = hasSystem ? `${first.content}\n\n` : '';
  return chat`<|im_start|>system\n${own}${toolsSection(tools)}<|im_end|>\n${conversation(hasSystem ? others : messages)}`;
}

function conversation(messages: readonly Message[]): ChatPiece[] {
  return joinToolMessages(messages).flatMap((group) => {
    const [message] = group;
    if (message === undefined) return [];
    if (message.role === 'tool') return chat`<|im_start|>user${group.flatMap(toolResponse)}<|im_end|>\n`;
    if (message.role === 'assistant') return chat`<|im_start|>assistant\n${assistantBody(message)}<|im_end|>\n`;
    return chat`<|im_start|>${message.role}\n${message.content}<|im_end|>\n`;
  });
}

/** Neighbouring tool messages share one user turn; every other message is a group of its own. */
function joinToolMessages(messages: readonly Message[]): Message[][] {
  const groups: Message[][] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (message.role === 'tool' && last?.[0]?.role === 'tool') last.push(message);
    else groups.push([message]);
  }
  return groups;
}

function toolResponse(message: Message): ChatPiece[] {
  return chat`\n<tool_response>\n${message.content}\n</tool_response>`;
}

function assistantBody(message: Message): ChatPiece[] {
  const calls = (message.toolCalls ?? []).flatMap((call, i) =>
    i === 0 && message.content === '' ? hermesCall(call) : chat`\n${hermesCall(call)}`,
  );
  return chat`${message.content}${calls}`;
}
