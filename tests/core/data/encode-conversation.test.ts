import { describe, expect, it } from 'vitest';
import { type ConversationTemplate, encodeConversation } from '../../../core/data/encode-conversation.js';
import { ConfigError } from '../../../core/errors.js';
import type { Message } from '../../../core/types.js';

/** Letters are tokens; `>` ends a turn. */
const STOP = '>';

type Write = (messages: readonly Message[], addGenerationPrompt: boolean) => string;

function template(write: Write): ConversationTemplate {
  return {
    stopTokens: [code(STOP)],
    render: ({ messages }, { addGenerationPrompt }) => [...write(messages, addGenerationPrompt)].map(code),
  };
}

function code(letter: string): number {
  return letter.codePointAt(0) ?? 0;
}

const headers = { system: '<s:', user: '<u:', assistant: '<a:', tool: '<t:' };

const say = ({ role, content }: Message): string => `${headers[role]}${content}${STOP}\n`;

/** Each turn between marks, a newline behind. */
const plain = template((messages, prompt) => messages.map(say).join('') + (prompt ? headers.assistant : ''));

/** Leaves out what earlier turns thought. */
const forgetful = template((messages, prompt) => {
  const lastUser = messages.findLastIndex(({ role }) => role === 'user');
  const written = messages.map((message, i) => {
    const content = i < lastUser ? message.content.replace(/\[.*\]/, '') : message.content;
    return say({ ...message, content });
  });
  return written.join('') + (prompt ? headers.assistant : '');
});

/** Begins the model's thoughts in the prompt and leaves them out of turns. */
const scaffolded = template((messages, prompt) => messages.map(say).join('') + (prompt ? `${headers.assistant}[` : ''));

const defaults = { trainOn: 'all', maxLength: 1000, truncation: 'error' } as const;

/** `u` and `a` by turns. */
function conversation(...texts: string[]) {
  const messages = texts.map((content, i): Message => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }));
  return { place: 'f row 1', messages, tools: [], enableThinking: undefined };
}

/** Each sequence as text, learned tokens in braces. */
function encoded(
  given: ReturnType<typeof conversation>,
  by: ConversationTemplate,
  options: Partial<Parameters<typeof encodeConversation>[2]> = {},
): string[] {
  const { sequences } = encodeConversation(given, by, { ...defaults, ...options });
  return sequences.map(({ tokens, mask }) => {
    const marked = tokens.map((token, i) => {
      const opens = mask[i] === 1 && mask[i - 1] !== 1 ? '{' : '';
      const closes = mask[i] === 1 && mask[i + 1] !== 1 ? '}' : '';
      return `${opens}${String.fromCodePoint(token)}${closes}`;
    });
    return marked.join('').replaceAll('\n', '|');
  });
}

describe('a conversation', () => {
  it('is one sequence, assistant turns and their stop tokens learned, the newline behind them not', () => {
    expect(encoded(conversation('x', 'yy', 'z', ''), plain)).toEqual(['<u:x>|<a:{yy>}|<u:z>|<a:{>}|']);
  });

  it('has its mask as advantages and 0 as log-probs', () => {
    const [sequence] = encodeConversation(conversation('x', 'y'), plain, defaults).sequences;
    expect(sequence?.advantages).toEqual(sequence?.mask);
    expect(sequence?.logprobs).toEqual(sequence?.tokens.map(() => 0));
  });

  it('may teach its last assistant turn alone', () => {
    expect(encoded(conversation('x', 'y', 'z', 'w', 'v'), plain, { trainOn: 'last' })).toEqual([
      '<u:x>|<a:y>|<u:z>|<a:{w>}|',
    ]);
  });

  it('teaches turns that follow each other', () => {
    const given = conversation('x', 'y');
    const messages = [...given.messages, { role: 'assistant' as const, content: 'w' }];
    expect(encoded({ ...given, messages }, plain)).toEqual(['<u:x>|<a:{y>}|<a:{w>}|']);
  });

  it('without an assistant turn teaches nothing and is counted', () => {
    expect(encodeConversation(conversation('x'), plain, defaults)).toEqual({ sequences: [], dropped: 1 });
  });

  it('gives tools and enable_thinking to the template', () => {
    const asked: unknown[] = [];
    const recording: ConversationTemplate = {
      ...plain,
      render(given, options) {
        asked.push([given.tools, options.variables]);
        return plain.render(given, options);
      },
    };
    const tools = [{ name: 'python', description: '', parameters: {} }];
    encodeConversation({ ...conversation('x', 'y'), tools, enableThinking: false }, recording, defaults);
    expect(asked).toEqual([
      [tools, { enable_thinking: false }],
      [tools, { enable_thinking: false }],
    ]);
  });
});

describe('a template that leaves out earlier reasoning', () => {
  it('begins a sequence for each turn whose context was rewritten, and each turn is learned once', () => {
    expect(encoded(conversation('x', '[r]y', 'z', '[q]w'), forgetful)).toEqual([
      '<u:x>|<a:{[r]y>}|',
      '<u:x>|<a:y>|<u:z>|<a:{[q]w>}|',
    ]);
  });

  it('joins turns that have none', () => {
    expect(encoded(conversation('x', 'y', 'z', '[q]w'), forgetful)).toEqual(['<u:x>|<a:{y>}|<u:z>|<a:{[q]w>}|']);
  });

  it('joins turns between tool answers, which keep theirs', () => {
    const messages: Message[] = [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: '[r]c' },
      { role: 'tool', content: 't' },
      { role: 'assistant', content: '[q]w' },
    ];
    expect(encoded({ ...conversation(), messages }, forgetful)).toEqual(['<u:x>|<a:{[r]c>}|<t:t>|<a:{[q]w>}|']);
  });
});

describe('a prompt that the turn does not begin with', () => {
  it('is taken as far as both agree where the rest is the template’s own scaffold', () => {
    expect(encoded(conversation('x', 'yy', 'z', 'w'), scaffolded)).toEqual(['<u:x>|<a:{yy>}|<u:z>|<a:{w>}|']);
  });

  it('is an error where it depends on the content', () => {
    const merging = template((messages, prompt) => {
      const text = messages.map(say).join('') + (prompt ? headers.assistant : '');
      return text.replaceAll('a::', 'a;');
    });
    expect(encoded(conversation('x', 'y'), merging)).toEqual(['<u:x>|<a:{y>}|']);
    expect(() => encoded(conversation('x', ':y'), merging)).toThrow(/^f row 1, message 2: the chat template writes/);
    expect(() => encoded(conversation('x', ':y'), merging)).toThrow(ConfigError);
  });

  it('is an error where the turn changes what came before it', () => {
    const counting = template(
      (messages, prompt) => messages.length + messages.map(say).join('') + (prompt ? '<a:' : ''),
    );
    expect(() => encoded(conversation('x', 'y'), counting)).toThrow(/f row 1, message 2: the chat template writes/);
  });
});

it('a turn that no stop token ends is an error', () => {
  const endless = template(
    (messages, prompt) => messages.map(({ content }) => `#${content}`).join('') + (prompt ? '#' : ''),
  );
  expect(() => encoded(conversation('x', 'y'), endless)).toThrow(/f row 1, message 2: no stop token ends the turn/);
});

it('what a template puts behind the last turn only does not keep the next one from joining', () => {
  const closing = template((messages, prompt) => messages.map(say).join('') + (prompt ? headers.assistant : '$'));
  expect(encoded(conversation('x', 'y', 'z', 'w'), closing)).toEqual(['<u:x>|<a:{y>}|<u:z>|<a:{w>}|$']);
});

describe('a sequence that is too long', () => {
  const given = conversation('x', 'yy', 'z', 'ww');
  const whole = '<u:x>|<a:{yy>}|<u:z>|<a:{ww>}|';

  it('is an error that names its row, where it is not to be cut', () => {
    expect(encoded(given, plain, { maxLength: 26 })).toEqual([whole]);
    expect(() => encoded(given, plain, { maxLength: 25 })).toThrow(/f row 1 has 26 tokens, more than maxLength 25/);
  });

  it.each([
    [24, ['<u:x>|<a:{yy>}|<u:z>|<a:{ww}']],
    [22, ['<u:x>|<a:{yy>}|<u:z>|<a:']],
    [10, ['<u:x>|<a:{y}']],
  ])('cut at its end to %d tokens teaches what is left', (maxLength, expected) => {
    expect(encoded(given, plain, { maxLength, truncation: 'right' })).toEqual(expected);
  });

  it.each([
    [18, [':{yy>}|<u:z>|<a:{ww>}|']],
    [17, ['yy>|<u:z>|<a:{ww>}|']],
    [16, ['y>|<u:z>|<a:{ww>}|']],
  ])('cut at its beginning to %d tokens teaches turns that are whole', (maxLength, expected) => {
    expect(encoded(given, plain, { maxLength, truncation: 'left' })).toEqual(expected);
  });

  it.each(['left', 'right'] as const)(
    'of which nothing is left to learn, cut %s, is dropped and counted',
    (truncation) => {
      const options = { ...defaults, maxLength: 3, truncation };
      expect(encodeConversation(given, plain, options)).toEqual({ sequences: [], dropped: 1 });
    },
  );
});
