import { ConfigError } from '../core/errors.js';
import type { ChatFormat } from '../core/text/chat-format.js';
import type { Message } from '../core/types.js';
import { parseHermes } from './hermes.js';
import type { Renderer, RendererOptions } from './renderer.js';

/** Stands for what was said before: what a template writes behind it must not depend on it. */
const earlier: Message = { role: 'user', content: 'a' };
const answer: Message = { role: 'assistant', content: 'b' };

/**
 * A pretrained model's own chat template, append-only: what follows a turn is what the template writes between an assistant's end of turn and
 * the next one's beginning, also where it writes the turn itself in another way once something follows (Qwen3 leaves empty reasoning out).
 * Calls are read as hermes writes them. Throws ConfigError where the template has no end of turn or writes what comes before an assistant's
 * turn in another way once more follows.
 */
export function templateRenderer(format: ChatFormat, { showTools }: RendererOptions): Renderer {
  const { stopTokens, tokenizer } = format;
  const [end] = stopTokens;
  if (end === undefined) throw new ConfigError('the model’s chat template has no token that ends a turn');
  const render = (messages: readonly Message[], addGenerationPrompt: boolean): number[] =>
    format.render({ messages }, { addGenerationPrompt });
  const opening = render([earlier], false);
  const ends = count(upToEnd(render([earlier, answer], false), end), end);
  return {
    stopTokens,
    start: (messages, tools) =>
      format.render(showTools ? { messages, tools } : { messages }, { addGenerationPrompt: true }),
    append(messages) {
      const whole = render([earlier, answer, ...messages], true);
      const last = whole.flatMap((token, i) => (token === end ? [i] : []))[ends - 1];
      if (last === undefined) throw rewritten();
      behind(whole, opening);
      return whole.slice(last + 1);
    },
    closeTurn: () => [end],
    encodeAssistant(message) {
      const turn = behind(render([earlier, message], false), render([earlier], true));
      return upToEnd(turn, end);
    },
    parse(tokens, isComplete) {
      const last = tokens.at(-1);
      const body = last !== undefined && stopTokens.includes(last) ? tokens.slice(0, -1) : tokens;
      return { ...parseHermes(tokenizer.decode(body)), isComplete };
    },
  };
}

function upToEnd(tokens: readonly number[], end: number): number[] {
  const index = tokens.lastIndexOf(end);
  if (index < 0) throw new ConfigError('the model’s chat template writes no end behind an assistant’s turn');
  return tokens.slice(0, index + 1);
}

function behind(tokens: readonly number[], prefix: readonly number[]): number[] {
  if (prefix.every((token, i) => tokens[i] === token)) return tokens.slice(prefix.length);
  throw rewritten();
}

function rewritten(): ConfigError {
  return new ConfigError('the model’s chat template rewrites earlier turns when another message follows');
}

function count(tokens: readonly number[], wanted: number): number {
  return tokens.filter((token) => token === wanted).length;
}
