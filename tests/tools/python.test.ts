import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ExecutedCall, executeToolCall } from '../../tools/execute-tool-call.js';
import { python, pythonOptions, pythonTool } from '../../tools/python.js';
import type { ToolContext } from '../../tools/tool.js';
import { openContext } from './context.js';

let context: ToolContext & AsyncDisposable;
beforeAll(async () => {
  context = await openContext();
});
afterAll(() => context[Symbol.asyncDispose]());

const run = (code: string, tool = python): Promise<ExecutedCall> =>
  executeToolCall({ name: 'python', arguments: { code } }, [tool], context);

test('what a program prints is the answer, without the last newline', async () => {
  const { message, record } = await run('for i in range(3):\n    print(i ** 2)');
  expect(message).toEqual({ role: 'tool', name: 'python', content: '0\n1\n4' });
  expect(record.error).toBe(undefined);
});

test('a program that prints nothing is answered plainly', async () => {
  expect((await run('x = 1')).message.content).toBe('(no output)');
});

test('a crash is answered with what was printed and the end of the traceback, and counted as failed', async () => {
  const { message, record } = await run('print("before")\n1 / 0');
  expect(message.content).toMatch(/^before\nTraceback.*line 2.*\nZeroDivisionError: division by zero$/s);
  expect(record.error).toBe('failed');
});

test('a long error message keeps its end', async () => {
  const { message } = await run('import sys\nprint("x\\n" * 20_000, file=sys.stderr)\nraise ValueError("the end")');
  expect(message.content).toMatch(/ValueError: the end$/);
  expect(message.content.split('\n').length).toBeLessThanOrEqual(10);
});

test('an error message of one long line keeps its end, cut between characters', async () => {
  const small = pythonTool({ maxOutputBytes: 64 });
  const { message } = await run('import sys\nsys.exit("é" * 100 + "!")', small);
  expect(message.content).toBe(`[error cut: only its last 64 bytes are shown]\n${'é'.repeat(31)}!`);
});

test('an exit code without a message is said plainly', async () => {
  expect((await run('raise SystemExit(3)')).message.content).toBe('The program ended with exit code 3.');
  expect((await run('import os; os.kill(os.getpid(), 9)')).message.content).toBe('The program was killed.');
});

test('a program past its time is answered plainly, with what it printed, and counted as timeout', async () => {
  const { message, record } = await run('print("start")\nwhile True: pass', pythonTool({ timeoutMs: 400 }));
  expect(message.content).toBe('start\nThe program did not finish within 0.4 s and was stopped.');
  expect(record.error).toBe('timeout');
});

test('long output is cut at the cap, and the answer says which part is left', async () => {
  const { message } = await run('print("é" * 1000)', pythonTool({ maxOutputBytes: 101 }));
  expect(message.content).toBe(`${'é'.repeat(50)}\n[output cut: only its first 101 bytes are shown]`);
  const flood = await run('while True: print("y" * 1000)', pythonTool({ timeoutMs: 400, maxOutputBytes: 100 }));
  expect(flood.message.content).toMatch(/^y{100}\n\[output cut.*was stopped\.$/s);
});

test('a program that reads input finds none', async () => {
  expect((await run('input()')).message.content).toMatch(/EOFError/);
});

test('files stay between calls, variables do not', async () => {
  await run('x = 1\nopen("kept", "w").write("kept")');
  expect((await run('print(open("kept").read())')).message.content).toBe('kept');
  expect((await run('print(x)')).message.content).toMatch(/NameError/);
});

test('options have bounds, and unknown ones are refused', () => {
  expect(pythonOptions.parse({})).toEqual({ timeoutMs: 5_000, maxOutputBytes: 4_096 });
  expect(() => pythonTool({ timeoutMs: 1 })).toThrow(/timeoutMs/);
  expect(() => pythonOptions.parse({ timeout: 1 })).toThrow(/timeout/);
});
