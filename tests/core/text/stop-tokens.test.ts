import { expect, test } from 'vitest';
import { chatTemplate } from '../../../core/text/chat-template.js';
import { stopTokens } from '../../../core/text/stop-tokens.js';
import { tinyFiles, tinyTokenizer } from './tiny-tokenizer.js';

const tokenizer = tinyTokenizer();
const turnEnd = (source: string) =>
  stopTokens({ generation: {} }, { ...tokenizer, eosToken: undefined }, chatTemplate(tinyFiles(source), tokenizer));

test('what the template, generation_config.json and the tokenizer name, in this order, each once', () => {
  const files = { generation: { eos_token_id: [7, tokenizer.special('<|endoftext|>')] } };
  const expected = [tokenizer.special('<|im_end|>'), 7, tokenizer.special('<|endoftext|>')];
  expect(stopTokens(files, tokenizer, chatTemplate(tinyFiles(), tokenizer))).toEqual(expected);
});

test('the end of a turn is the control token behind the answer', () => {
  const source = '{% for m in messages %}<|im_start|>{{ m.content }}<|endoftext|>\n{% endfor %}';
  expect(turnEnd(source)).toEqual([tokenizer.special('<|endoftext|>')]);
});

test('a control token before the answer ends no turn', () => {
  expect(turnEnd('{% for m in messages %}<|im_start|>{{ m.content }}\n{% endfor %}')).toEqual([]);
});
