import { ConfigError } from '../errors.js';
import type { Message, ToolDescription, TrainSequence } from '../types.js';
import type { Conversation } from './sft-rows.js';

/** Writes conversations as the model reads them. */
export interface ConversationTemplate {
  /** Tokens that end an assistant turn. */
  readonly stopTokens: readonly number[];
  render(
    conversation: { readonly messages: readonly Message[]; readonly tools?: readonly ToolDescription[] },
    options: { readonly addGenerationPrompt: boolean; readonly variables?: { readonly [name: string]: unknown } },
  ): number[];
}

export interface EncodeOptions {
  /** Learn from all assistant turns, or from the last one alone. */
  readonly trainOn: 'all' | 'last';
  /** Most tokens of a sequence. */
  readonly maxLength: number;
  /**
   * What becomes of a longer one: an error; cut at its end (`right`: what is left of a cut turn is still learned, token by token in its own
   * context); cut at its beginning (`left`: a turn whose beginning is cut off is not learned, for it would stand in another context).
   */
  readonly truncation: 'error' | 'left' | 'right';
}

export interface EncodedConversation {
  /** Advantages are the mask, log-probs 0. */
  readonly sequences: readonly TrainSequence[];
  /** Sequences that nothing can be learned from: without an assistant turn, or after all of them were cut away. */
  readonly dropped: number;
}

/** Tokens with the half-open ranges of those that are learned. */
interface Draft {
  readonly tokens: readonly number[];
  readonly turns: readonly { readonly start: number; readonly end: number }[];
}

/**
 * A conversation as training sequences: every assistant turn is learned exactly once, up to and including the stop token, in the context
 * that it would be sampled in. Where a template writes earlier turns in another way than the last one (leaves out their reasoning), the
 * turn begins a new sequence; else it joins the one before. Throws ConfigError naming file, row and turn.
 */
export function encodeConversation(
  conversation: Conversation,
  template: ConversationTemplate,
  options: EncodeOptions,
): EncodedConversation {
  const drafts: Draft[] = [];
  for (const index of assistantTurns(conversation.messages, options.trainOn)) {
    const { tokens, start, end } = encodeTurn(conversation, index, template);
    const last = drafts.at(-1);
    const joins = last !== undefined && isPrefix(learned(last), tokens.slice(0, start));
    const turns = [...(joins ? last.turns : []), { start, end }];
    drafts.splice(joins ? -1 : drafts.length, joins ? 1 : 0, { tokens, turns });
  }
  const cut = drafts.map((draft) => truncate(draft, conversation.place, options));
  const kept = cut.filter(({ turns }) => turns.length > 0);
  return { sequences: kept.map(toSequence), dropped: Math.max(drafts.length, 1) - kept.length };
}

function assistantTurns(messages: readonly Message[], trainOn: EncodeOptions['trainOn']): number[] {
  const turns = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []));
  return trainOn === 'all' ? turns : turns.slice(-1);
}

/** The tokens up to the last that is learned: what a template puts behind the last turn may be gone when the next one follows. */
function learned({ tokens, turns }: Draft): readonly number[] {
  return tokens.slice(0, turns.at(-1)?.end);
}

interface EncodedTurn {
  /** The conversation up to and including the turn. */
  readonly tokens: readonly number[];
  readonly start: number;
  readonly end: number;
}

function encodeTurn(conversation: Conversation, index: number, template: ConversationTemplate): EncodedTurn {
  const { messages, tools, enableThinking, place } = conversation;
  const turn = `${place}, message ${index + 1}`;
  const render = (given: readonly Message[], addGenerationPrompt: boolean): number[] =>
    template.render(
      { messages: given, ...(tools.length > 0 && { tools }) },
      { addGenerationPrompt, ...(enableThinking !== undefined && { variables: { enable_thinking: enableThinking } }) },
    );
  const before = messages.slice(0, index);
  const prompt = render(before, true);
  const tokens = render(messages.slice(0, index + 1), false);
  const start = commonPrefix(prompt, tokens);
  if (start < prompt.length) {
    const probe = commonPrefix(prompt, render([...before, { role: 'assistant', content: 'x' }], false));
    const isScaffold = start > render(before, false).length && probe === start;
    if (!isScaffold) {
      throw new ConfigError(
        `${turn}: the chat template writes the conversation differently once the turn is there, so the turn cannot be told from its prompt`,
      );
    }
  }
  if (start === 0) throw new ConfigError(`${turn}: the chat template puts nothing before the turn`);
  const stop = tokens.findIndex((token, i) => i >= start && template.stopTokens.includes(token));
  if (stop < 0) {
    throw new ConfigError(`${turn}: no stop token ends the turn; name the one that the chat template writes there`);
  }
  return { tokens, start, end: stop + 1 };
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const different = a.findIndex((token, i) => token !== b[i]);
  return different < 0 ? a.length : different;
}

function isPrefix(tokens: readonly number[], of: readonly number[]): boolean {
  return commonPrefix(tokens, of) === tokens.length;
}

function truncate({ tokens, turns }: Draft, place: string, { maxLength, truncation }: EncodeOptions): Draft {
  if (tokens.length <= maxLength) return { tokens, turns };
  switch (truncation) {
    case 'error':
      throw new ConfigError(
        `${place} has ${tokens.length} tokens, more than maxLength ${maxLength}; raise that, or choose truncation left or right`,
      );
    case 'right': {
      const begun = turns.filter(({ start }) => start < maxLength);
      const cut = begun.map(({ start, end }) => ({ start, end: Math.min(end, maxLength) }));
      return { tokens: tokens.slice(0, maxLength), turns: cut };
    }
    case 'left': {
      const gone = tokens.length - maxLength;
      const whole = turns.filter(({ start }) => start > gone);
      return {
        tokens: tokens.slice(gone),
        turns: whole.map(({ start, end }) => ({ start: start - gone, end: end - gone })),
      };
    }
    default: {
      const none: never = truncation;
      return none;
    }
  }
}

function toSequence({ tokens, turns }: Draft): TrainSequence {
  const mask: (0 | 1)[] = tokens.map(() => 0);
  for (const { start, end } of turns) mask.fill(1, start, end);
  return { tokens, mask, logprobs: tokens.map(() => 0), advantages: mask };
}
