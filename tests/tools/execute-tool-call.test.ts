import { setTimeout as later } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError, InfrastructureError } from '../../core/errors.js';
import type { Json } from '../../core/types.js';
import { defineTool } from '../../tools/define-tool.js';
import { type ExecutedCall, executeToolCall, unparsableCall } from '../../tools/execute-tool-call.js';
import type { Tool, ToolContext, ToolResult } from '../../tools/tool.js';
import { withoutSandbox } from './context.js';

const greet = defineTool({
  name: 'greet',
  description: 'Greets.',
  input: z.strictObject({ name: z.string(), times: z.int().default(1) }),
  execute: async ({ name, times }) => ({ content: `hello ${name} `.repeat(times).trim() }),
});

function tool(execute: (context: ToolContext) => Promise<ToolResult>, timeoutMs = 10_000): Tool {
  const input = z.strictObject({});
  return defineTool({ name: 'probe', description: '', input, timeoutMs, execute: (_, context) => execute(context) });
}

const call = (name: string, args: Json, tools: readonly Tool[], context = withoutSandbox()): Promise<ExecutedCall> =>
  executeToolCall({ name, arguments: args }, tools, context);

test('a call is answered by the tool with the parsed input', async () => {
  const { message, record } = await call('greet', { name: 'Ada', times: 2 }, [
    tool(async () => ({ content: '' })),
    greet,
  ]);
  expect(message).toEqual({ role: 'tool', name: 'greet', content: 'hello Ada hello Ada' });
  expect(record).toEqual({ name: 'greet', durationMs: expect.any(Number) });
});

test('an unknown tool is answered with the names there are', async () => {
  const { message, record } = await call('x', {}, [greet]);
  expect(message.content).toBe("Unknown tool 'x'. Available tools: greet.");
  expect(record.error).toBe('unknown_tool');
  expect((await call('x', {}, [])).message.content).toBe("Unknown tool 'x'. Available tools: none.");
});

test('the name of an unknown tool is not quoted at any length', async () => {
  expect((await call('y'.repeat(10_000), {}, [])).message.content.length).toBeLessThan(200);
});

test.each<[Json, string]>([
  [{}, "Bad arguments for tool 'greet': name: Invalid input: expected string, received undefined"],
  [{ name: 1, times: 0.5 }, 'name: Invalid input: expected string, received number; times: Invalid input'],
  [{ name: 'a', nmae: 'b' }, 'Unrecognized key: "nmae"'],
  ['Ada', 'expected object, received string'],
  [null, 'expected object, received null'],
])('the arguments %j are answered with what is wrong, in one line', async (args, expected) => {
  const { message, record } = await call('greet', args, [greet]);
  expect(message.content).toContain(expected);
  expect(message.content).not.toContain('\n');
  expect(record.error).toBe('bad_arguments');
});

test('an error result is counted as failed, one for want of time as timeout', async () => {
  const failing = tool(async () => ({ content: 'no such page', isError: true }));
  expect(await call('probe', {}, [failing])).toMatchObject({
    message: { content: 'no such page' },
    record: { error: 'failed' },
  });
  const slow = tool(async () => ({ content: 'too long', isError: true, isTimeout: true }));
  expect((await call('probe', {}, [slow])).record.error).toBe('timeout');
});

test('a tool past its time is answered with a message', async () => {
  const slow = tool(({ signal }) => later(60_000, { content: '' }, { signal }), 20);
  const { message, record } = await call('probe', {}, [slow]);
  expect(message.content).toBe("Tool 'probe' did not finish within 0.02 s and was stopped.");
  expect(record.error).toBe('timeout');
});

test('a tool that ignores its signal does not hold up the answer', async () => {
  const deaf = tool(() => new Promise(() => {}), 20);
  const { record } = await call('probe', {}, [deaf]);
  expect(record.error).toBe('timeout');
  expect(record.durationMs).toBeLessThan(1_000);
});

test('cancellation passes through with its reason, whether the tool listens or not', async () => {
  for (const execute of [
    () => new Promise<ToolResult>(() => {}),
    ({ signal }: ToolContext) => later(60_000, { content: '' }, { signal }),
  ]) {
    const controller = new AbortController();
    const running = call('probe', {}, [tool(execute)], withoutSandbox(controller.signal));
    controller.abort('stop');
    await expect(running).rejects.toBe('stop');
  }
  await expect(call('x', {}, [], withoutSandbox(AbortSignal.abort('before')))).rejects.toBe('before');
});

test('failures of the world and of the config pass through as they are', async () => {
  for (const error of [
    new InfrastructureError('engine_gone', 'gone', { retryable: false }),
    new ConfigError('no key'),
  ]) {
    await expect(call('probe', {}, [tool(() => Promise.reject(error))])).rejects.toBe(error);
  }
});

test('anything else a tool throws is a crash of the tool, not the mistake of the model', async () => {
  const broken = tool(() => {
    throw new TypeError('undefined is not a function');
  });
  const crash = call('probe', {}, [broken]);
  await expect(crash).rejects.toBeInstanceOf(InfrastructureError);
  await expect(crash).rejects.toMatchObject({ code: 'tool_crashed', retryable: true, cause: expect.any(TypeError) });
});

test('a call that could not be read is answered with the reason', () => {
  expect(unparsableCall('unexpected end of JSON.')).toEqual({
    message: { role: 'tool', content: 'The tool call could not be read: unexpected end of JSON.' },
    record: { name: '', durationMs: 0, error: 'unparsable' },
  });
});
