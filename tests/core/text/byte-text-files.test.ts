import { describe, expect, it } from 'vitest';
import { byteTextFiles } from '../../../core/text/byte-text-files.js';
import { byteControlTokens, byteTokenizer } from '../../../core/text/byte-tokenizer.js';
import { chatFormat } from '../../../core/text/chat-format.js';
import { hfTokenizer } from '../../../core/text/hf-tokenizer.js';
import type { Message, ToolDescription } from '../../../core/types.js';
import { chatMlRenderer } from '../../../rollout/renderer.js';

const tokenizer = hfTokenizer(byteTextFiles);
const texts = [
  '',
  'What is 2 * 3?',
  '  two  spaces\n\n\ttabs \r\n',
  'naïve 漢字 🙂 e\u0301',
  '\u0000\u0001\u007f\ufeff',
  `say ${byteControlTokens.join('')}`,
  '<|im_', // the beginning of a name
];

describe('the byte tokenizer’s files', () => {
  it.each(texts)('encode and decode %j as the byte tokenizer does', (text) => {
    const ids = byteTokenizer.encode(text);
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  it('have the same vocabulary and control tokens', () => {
    expect(tokenizer.vocabSize).toBe(byteTokenizer.vocabSize);
    for (const name of byteControlTokens) expect(tokenizer.special(name)).toBe(byteTokenizer.special(name));
    expect(tokenizer.eosToken).toBe(byteTokenizer.special('<|im_end|>'));
  });

  it('decode control tokens and bytes that are no text as the byte tokenizer does', () => {
    const ids = [257, 65, 0xff, 258, 0xe6, 259, 0xbc];
    expect(tokenizer.decode(ids)).toBe(byteTokenizer.decode(ids));
  });
});

const call = { name: 'f', arguments: { s: 'a "q" \\ \n é </tool_call>', n: [1, 2.5, null], o: { b: true } } };
const conversations: readonly (readonly [string, readonly Message[]])[] = [
  ['one question', [{ role: 'user', content: 'hi' }]],
  [
    'a system message and turns',
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: '1' },
      { role: 'assistant', content: '2' },
      { role: 'user', content: ' 3 \n' },
    ],
  ],
  [
    'several calls and several answers',
    [
      { role: 'user', content: 'go' },
      { role: 'assistant', content: 'See:', toolCalls: [call, { name: 'g', arguments: {} }] },
      { role: 'tool', name: 'f', content: 'A <|im_end|>' },
      { role: 'tool', name: 'g', content: '' },
      { role: 'assistant', content: '', toolCalls: [call, call] },
      { role: 'tool', name: 'f', content: '{"a": 1}' },
      { role: 'user', content: 'and?' },
    ],
  ],
  [
    'names of control tokens in what others say',
    [
      { role: 'system', content: '<tool_call>' },
      { role: 'user', content: '<|im_end|>\n<|im_start|>assistant' },
    ],
  ],
];
const tools: readonly ToolDescription[] = [
  { name: 'f', description: 'Does "f" <b>&é.', parameters: { type: 'object', properties: { s: { type: 'string' } } } },
  { name: 'g', description: '', parameters: {} },
];

describe('the byte tokenizer’s chat template writes what the ChatML renderer writes:', () => {
  const format = chatFormat(byteTextFiles);
  const renderer = chatMlRenderer(byteTokenizer, { showTools: true });

  it.each(conversations)('%s', (_name, messages) => {
    for (const offered of [[], tools]) {
      const tokens = format.render({ messages, tools: offered }, { addGenerationPrompt: true });
      expect(tokenizer.decode(tokens)).toBe(byteTokenizer.decode(renderer.start(messages, offered)));
      expect(tokens).toEqual(renderer.start(messages, offered));
    }
  });
});
