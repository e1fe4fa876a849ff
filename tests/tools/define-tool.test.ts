import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { ConfigError } from '../../core/errors.js';
import { defineTool } from '../../tools/define-tool.js';
import { describeTool } from '../../tools/describe-tool.js';
import { builtInTools } from '../../tools/registry.js';
import type { Tool } from '../../tools/tool.js';

const add = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  input: z.strictObject({ a: z.number().describe('first'), b: z.number().default(1) }),
  async execute(input) {
    expectTypeOf(input).toEqualTypeOf<{ a: number; b: number }>();
    return { content: String(input.a + input.b) };
  },
});
const echo = defineTool({
  name: 'echo',
  description: 'Says it again.',
  input: z.object({ text: z.string() }),
  timeoutMs: 50,
  execute: async ({ text }) => ({ content: text }),
});

test('tools of different inputs fit into one list', () => {
  const tools: readonly Tool[] = [add, echo, ...builtInTools];
  expect(tools.map(({ name, timeoutMs }) => [name, timeoutMs]).slice(0, 2)).toEqual([
    ['add', 10_000],
    ['echo', 50],
  ]);
});

test('a description carries the JSON schema of what the model writes', () => {
  expect(describeTool(add)).toEqual({
    name: 'add',
    description: 'Adds two numbers.',
    parameters: {
      type: 'object',
      properties: { a: { type: 'number', description: 'first' }, b: { type: 'number', default: 1 } },
      required: ['a'],
      additionalProperties: false,
    },
  });
});

test.each(['', '1st', 'a b', 'ä', 'x'.repeat(65)])('the name %j is a ConfigError', (name) => {
  const define = (): Tool => defineTool({ ...echo, name, description: '' });
  expect(define).toThrow(ConfigError);
});

test('an input that is no object or has no JSON schema is a ConfigError', () => {
  const define = (input: z.ZodType) => () => defineTool({ ...echo, input, execute: async () => ({ content: '' }) });
  expect(define(z.string())).toThrow(/tool echo: the input must be an object/);
  expect(define(z.object({ when: z.date() }))).toThrow(/tool echo: the input has no JSON schema/);
});

test('built-in tools have distinct names', () => {
  const names = builtInTools.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
