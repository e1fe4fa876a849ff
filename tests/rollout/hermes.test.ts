import { describe, expect, it } from 'vitest';
import type { ToolCall } from '../../core/types.js';
import { parseHermes } from '../../rollout/hermes.js';

const tagged = (json: string): string => `<tool_call>\n${json}\n</tool_call>`;
const python = (code: string): ToolCall => ({ name: 'python', arguments: { code } });
const valid = tagged('{"name": "python", "arguments": {"code": "print(1)"}}');

describe('parseHermes reads', () => {
  it.each<[string, string, string, ToolCall[]]>([
    ['no call', ' 42\n', '42', []],
    ['one call', valid, '', [python('print(1)')]],
    ['two calls', `${valid}\n${valid}`, '', [python('print(1)'), python('print(1)')]],
    ['text before and after', `Let me see. ${valid} Done.`, 'Let me see.  Done.', [python('print(1)')]],
    ['a call on one line', '<tool_call>{"arguments":{},"name":"f"}</tool_call>', '', [{ name: 'f', arguments: {} }]],
    [
      'a closing tag in a string',
      tagged('{"name":"python","arguments":{"code":"\\"</tool_call>"}}'),
      '',
      [python('"</tool_call>')],
    ],
    [
      'an opening tag in a string',
      tagged('{"name":"python","arguments":{"code":"<tool_call>"}}'),
      '',
      [python('<tool_call>')],
    ],
    [
      'escaped quotes and backslashes',
      tagged('{"name":"python","arguments":{"code":"\\\\\\"}"}}'),
      '',
      [python('\\"}')],
    ],
    ['unicode', tagged('{"name": "python", "arguments": {"code": "é🙂\\u6f22"}}'), '', [python('é🙂漢')]],
    [
      'a tool nobody has',
      tagged('{"name": "nope", "arguments": {"x": [1, null]}}'),
      '',
      [{ name: 'nope', arguments: { x: [1, null] } }],
    ],
  ])('%s', (_claim, text, content, toolCalls) => {
    expect(parseHermes(text)).toEqual({ content, toolCalls, parseErrors: [] });
  });
});

describe('parseHermes answers in one sentence', () => {
  it.each([
    [
      'a call that never closes',
      '<tool_call>\n{"name": "python"',
      'Tool call 1 was opened with <tool_call> but never closed with </tool_call>.',
    ],
    ['bad JSON', tagged('{"name": "python", }'), 'Tool call 1 is not valid JSON.'],
    ['an empty call', tagged(''), 'Tool call 1 is not valid JSON.'],
    [
      'a raw newline in a string',
      tagged('{"name": "python", "arguments": {"code": "a\nb"}}'),
      'Tool call 1 is not valid JSON.',
    ],
    ['a list', tagged('[1]'), 'Tool call 1 is not a JSON object with "name" and "arguments".'],
    ['a missing name', tagged('{"arguments": {}}'), 'Tool call 1 has no "name".'],
    ['a name that is no string', tagged('{"name": 1, "arguments": {}}'), 'Tool call 1 has no "name".'],
    ['missing arguments', tagged('{"name": "python"}'), 'Tool call 1 has no "arguments".'],
    [
      'arguments in a string',
      tagged('{"name": "f", "arguments": "{}"}'),
      'Tool call 1 has "arguments" that are not a JSON object.',
    ],
    [
      'arguments in a list',
      tagged('{"name": "f", "arguments": []}'),
      'Tool call 1 has "arguments" that are not a JSON object.',
    ],
    [
      'null arguments',
      tagged('{"name": "f", "arguments": null}'),
      'Tool call 1 has "arguments" that are not a JSON object.',
    ],
  ])('%s', (_claim, text, sentence) => {
    expect(parseHermes(text)).toEqual({ content: '', toolCalls: [], parseErrors: [sentence] });
  });

  it.each([
    ['unbalanced quotes', tagged('{"name": "python, "arguments": {}}')],
    ['a missing closing tag', '<tool_call>{"name": "python"'],
    ['a missing closing tag and an open string', '<tool_call>{"name": "python'],
  ])('%s and still reads the call after it', (_claim, broken) => {
    const action = parseHermes(`${broken} ${valid}`);
    expect(action.toolCalls).toEqual([python('print(1)')]);
    expect(action.parseErrors).toHaveLength(1);
  });

  it('a closing tag alone is prose', () => {
    expect(parseHermes('</tool_call> 5')).toEqual({ content: '</tool_call> 5', toolCalls: [], parseErrors: [] });
  });
});
