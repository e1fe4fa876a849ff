import { ConfigError } from '../../core/errors.js';
import type { Message } from '../../core/types.js';
import type { Io } from '../command-context.js';
import type { Answer, ChatModel } from './chat-model.js';
import type { ChatPlan } from './chat-plan.js';
import { ChatTerminal } from './chat-terminal.js';
import { shownText } from './shown-text.js';

/** A conversation at a terminal, until the person ends it: answers go to stdout, all else to stderr. */
export async function converse(chat: ChatModel, plan: ChatPlan, io: Io, signal: AbortSignal): Promise<void> {
  using terminal = new ChatTerminal(io, signal);
  terminal.note(
    `${chat.source} on backend ${chat.backend}. /reset begins anew, /exit or Ctrl-D ends, Ctrl-C stops an answer.`,
  );
  const say = shownText(io.stdout);
  let messages: readonly Message[] = [];
  for (let index = 0; ; ) {
    const line = (await terminal.ask())?.trim();
    if (line === undefined || line === '/exit') break;
    if (line === '') continue;
    if (line === '/reset') {
      messages = [];
      terminal.note('The conversation is empty.');
      continue;
    }
    const options = { sampling: plan.sampling(index++), onText: say };
    const answer = await terminal.whileAnswering((stopped) =>
      chat.answer(plan.prompt(messages, line), options, stopped).catch(explain),
    );
    if (answer instanceof ConfigError) {
      terminal.note(`error: ${answer.message}`);
      continue;
    }
    io.stdout.write('\n');
    terminal.note(ending(answer));
    messages = [...messages, { role: 'user', content: line }, { role: 'assistant', content: answer.text }];
  }
  signal.throwIfAborted();
}

/** What this prompt cannot have is no reason to end the conversation. */
function explain(error: unknown): ConfigError {
  if (error instanceof ConfigError) return error;
  throw error;
}

function ending({ finishReason, tokens }: Answer): string {
  switch (finishReason) {
    case 'stop':
      return '';
    case 'length':
      return `(cut after ${tokens.length} tokens; --max-tokens or --context allow more)`;
    case 'aborted':
      return '(stopped)';
    default:
      return finishReason satisfies never;
  }
}
