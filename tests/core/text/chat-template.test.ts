import { expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { chatTemplate } from '../../../core/text/chat-template.js';
import type { Message } from '../../../core/types.js';
import { CHATML, tinyFiles, tinyTokenizer } from './tiny-tokenizer.js';

const tokenizer = tinyTokenizer();
const names = [...tokenizer.specials.keys()];
const start = tokenizer.special('<|im_start|>');
const end = tokenizer.special('<|im_end|>');
/** What makes a template one that writes every name itself. */
const WRITES_ALL = `{% if false %}${names.join('')}{% endif %}`;
const CONTENTS = '{% for message in messages %}{{ message.content }}{% endfor %}';

function controlTokens(messages: readonly Message[], source?: string, allowSpecialTokens = false): number[] {
  const ids = chatTemplate(tinyFiles(source), tokenizer).render(
    { messages },
    { addGenerationPrompt: false, allowSpecialTokens },
  );
  const control = new Set(tokenizer.specials.values());
  return ids.filter((id) => control.has(id));
}

test('a conversation is written down as the template says, ready for the assistant where that is asked for', () => {
  const template = chatTemplate(tinyFiles(), tokenizer);
  const conversation = { messages: [{ role: 'user', content: 'hi ' }] } as const;
  expect(template.text(conversation, { addGenerationPrompt: false })).toBe('<|im_start|>user\nhi <|im_end|>\n');
  const ids = template.render(conversation, { addGenerationPrompt: true });
  expect(tokenizer.decode(ids)).toBe('<|im_start|>user\nhi <|im_end|>\n<|im_start|>assistant\n');
  expect(ids.filter((id) => id === start)).toHaveLength(2);
});

test.each(['user', 'system', 'tool'] as const)(
  'no name that the template writes becomes its token in a %s message',
  (role) => {
    const source = CHATML + WRITES_ALL;
    for (const name of names) {
      for (const content of [name, `a${name}${name}b`, ` ${name.slice(0, 1)}${name}`, `\ue000${name}\ue001`]) {
        expect(controlTokens([{ role, content }], source)).toEqual([start, end]);
        expect(
          chatTemplate(tinyFiles(source), tokenizer).text(
            { messages: [{ role, content }] },
            { addGenerationPrompt: false },
          ),
        ).toContain(content);
      }
    }
  },
);

test('names that the template does not write become tokens, as in transformers, unless they are flagged special', () => {
  const content = '☃ <think><|im_end|>';
  expect(controlTokens([{ role: 'user', content }])).toEqual([
    start,
    tokenizer.special('☃'),
    tokenizer.special('<think>'),
    end,
  ]);
});

test('an assistant may think and call tools, but not end its turn early', () => {
  const said = { role: 'assistant', content: '<think>x</think><|im_end|>' } as const;
  const ids = [start, tokenizer.special('<think>'), tokenizer.special('</think>'), end];
  expect(controlTokens([said])).toEqual(ids);
});

test('names that two messages make together stay text', () => {
  const bare = `{% for message in messages %}{{ message.content | trim }}{% endfor %}${WRITES_ALL}`;
  for (const name of names.filter((token) => token.length > 1)) {
    for (let cut = 1; cut < name.length; cut++) {
      const halves = [`a ${name.slice(0, cut)} `, name.slice(cut)];
      expect(
        controlTokens(
          halves.map((content) => ({ role: 'user', content })),
          bare,
        ),
      ).toEqual([]);
    }
  }
});

test('names of tokens become tokens where that is asked for', () => {
  expect(controlTokens([{ role: 'user', content: names.join(' ') }], CONTENTS, true)).toEqual([
    ...tokenizer.specials.values(),
  ]);
});

test('a text with a marked name has the tokens of the same text without control tokens', () => {
  const messages = [{ role: 'user', content: 'the <|im_end|> user <' }] as const;
  const ids = chatTemplate(tinyFiles(CONTENTS), tokenizer).render({ messages }, { addGenerationPrompt: false });
  expect(ids).toEqual(tokenizer.encode(messages[0].content));
});

test('tool calls and tools reach the template as dictionaries', () => {
  const source = '{{ tools | tojson }}{{ messages[0].tool_calls | tojson }}';
  const call = { name: 'f', arguments: { größe: [1, 0.00001, null], '<think>': '<|im_end|>' } };
  const tool = { name: 'f', description: 'an <think>', parameters: { type: 'object' } };
  const conversation = { messages: [{ role: 'assistant', content: '', toolCalls: [call] }], tools: [tool] } as const;
  expect(chatTemplate(tinyFiles(source), tokenizer).text(conversation, { addGenerationPrompt: false })).toBe(
    '[{"type": "function", "function": {"name": "f", "description": "an <think>", "parameters": {"type": "object"}}}]' +
      '[{"type": "function", "function": {"name": "f", "arguments": {"größe": [1, 1e-05, null], "<think>": "<|im_end|>"}}}]',
  );
});

test('variables, the names of tokens and the time are there', () => {
  const source = "{{ eos_token }} {{ bos_token is defined }} {{ mood }} {{ strftime_now('%d %b %Y') }}";
  const template = chatTemplate(tinyFiles(source), tokenizer, () => new Date(2024, 6, 6));
  const text = template.text({ messages: [] }, { addGenerationPrompt: false, variables: { mood: 'calm' } });
  expect(text).toBe('<|im_end|> False calm 06 Jul 2024');
});

test.each([
  ["{{ raise_exception('no system turns') }}", 'the chat template refuses the conversation: no system turns'],
  ['{{ messages.nothing() }}', 'the chat template failed: '],
  ['{% for %}', 'the chat template cannot be read: '],
])('%s is a ConfigError', (source, message) => {
  const render = (): string =>
    chatTemplate(tinyFiles(source), tokenizer).text({ messages: [] }, { addGenerationPrompt: true });
  expect(render).toThrow(ConfigError);
  expect(render).toThrow(message);
});

test('a model without a template is a ConfigError', () => {
  expect(() => chatTemplate({ ...tinyFiles(), chatTemplate: undefined }, tokenizer)).toThrow('brings no chat template');
});
