import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readFiles } from '../../../core/data/read-rows.js';
import type { Row } from '../../../core/data/row.js';
import { columnsGoTogether, conversationOf, sftColumns } from '../../../core/data/sft-rows.js';
import { ConfigError } from '../../../core/errors.js';
import { never } from '../../helpers/tiny-policy.js';

const schema = z.strictObject(sftColumns);
const columns = schema.parse({});
const user = { role: 'user', content: '6*7?' };

function conversation(row: Row, given: object = {}) {
  return conversationOf({ file: 'sft.jsonl', number: 2, row }, schema.parse(given));
}

describe('a row of conversations', () => {
  it('from a real parquet file is messages, tools and whether to think', async () => {
    const [first, second] = (await readFiles('tests/fixtures/data/sft.parquet', never)).map((row) =>
      conversationOf(row, columns),
    );
    const parameters = { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] };
    expect(first).toEqual({
      place: 'tests/fixtures/data/sft.parquet row 1',
      messages: [
        user,
        { role: 'assistant', content: '', toolCalls: [{ name: 'python', arguments: { code: 'print(6*7)' } }] },
        { role: 'tool', content: '42\n', name: 'python' },
        { role: 'assistant', content: '42' },
      ],
      tools: [{ name: 'python', description: 'Runs code.', parameters }],
      enableThinking: false,
    });
    expect(second).toMatchObject({ tools: [], enableThinking: undefined });
    expect(second?.messages.map(({ content }) => content)).toEqual(['Be brief.', 'Größe?', 'groß']);
  });

  it('may have tools as JSON text, arguments as objects and content in parts', () => {
    const tools = [{ name: 'python', parameters: '{"type":"object"}' }];
    const call = { function: { name: 'python', arguments: { code: '1', limit: null } } };
    const content = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ];
    const messages = [user, { role: 'assistant', content, tool_calls: [call] }];
    const expected = [{ name: 'python', description: '', parameters: { type: 'object' } }];
    for (const given of [tools, JSON.stringify(tools), tools.map((tool) => JSON.stringify(tool))]) {
      const parsed = conversation({ messages, tools: given });
      expect(parsed.tools).toEqual(expected);
      expect(parsed.messages[1]).toEqual({
        role: 'assistant',
        content: 'ab',
        toolCalls: [{ name: 'python', arguments: { code: '1', limit: null } }],
      });
    }
  });

  it('may be prompt and response, at the top or in a struct', () => {
    const expected = [user, { role: 'assistant', content: '42' }];
    const keys = { promptKey: 'question', responseKey: 'extra.answer' };
    expect(conversation({ question: '6*7?', extra: { answer: '42' } }, keys).messages).toEqual(expected);
    expect(conversation({ question: [user], 'extra.answer': '42' }, keys).messages).toEqual(expected);
    expect(columnsGoTogether(schema.parse({ promptKey: 'question' }))).toBe(false);
    expect(columnsGoTogether(schema.parse({ promptKey: 'question', responseKey: 'answer' }))).toBe(true);
  });

  it.each([
    [{ text: 'a' }, /^sft\.jsonl row 2 has no column "messages"; it has text$/],
    [{ messages: null }, /^sft\.jsonl row 2 has no column "messages"/],
    [{ messages: [] }, /^sft\.jsonl row 2: messages/],
    [{ messages: [{ role: 'human', content: '' }] }, /row 2: messages\.0\.role is "human"/],
    [{ messages: [{ ...user, tool_calls: [{ name: 'python' }] }] }, /messages\.0\.tool_calls: only an assistant/],
    [
      { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'python', arguments: '{"code"' } }] }] },
      /messages\.0\.tool_calls\.0\.function\.arguments: is .*, which is no JSON/,
    ],
    [
      { messages: [{ role: 'assistant', tool_calls: [{ id: 'c' }] }] },
      /messages\.0\.tool_calls\.0: must have a function/,
    ],
    [{ messages: [{ role: 'assistant', reasoning_content: 'hm' }] }, /messages\.0\.reasoning_content/],
    [{ messages: [user], tools: '[{]' }, /row 2: tools/],
    [{ messages: [user], tools: [{ description: 'x' }] }, /row 2: tools\.0\.name is missing/],
    [{ messages: [user], enable_thinking: 'yes' }, /row 2: enable_thinking is "yes"/],
  ])('%j is refused, naming file, row and field', (row: Row, message) => {
    expect(() => conversation(row)).toThrow(message);
    expect(() => conversation(row)).toThrow(ConfigError);
  });
});
