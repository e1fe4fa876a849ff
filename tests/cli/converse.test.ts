import { afterAll, beforeAll, expect, test } from 'vitest';
import { detectedBackend } from '../helpers/backend.js';
import { chatModel } from '../helpers/chat-model.js';
import { Person } from '../helpers/chat-terminal.js';
import { runCli } from '../helpers/cli.js';
import type { TemporaryFolder } from '../helpers/temporary-folder.js';

let model: TemporaryFolder;
beforeAll(async () => {
  model = await chatModel();
});
afterAll(() => model[Symbol.dispose]());

const [ctrlC, ctrlD] = ['\u0003', '\u0004'];

function words(...more: readonly string[]): string[] {
  return ['chat', model.path, '--backend', detectedBackend, '--temperature', '0', '--max-tokens', '8', ...more];
}

async function answerTo(...more: readonly string[]): Promise<string> {
  return (await runCli(words(...more))).stdout;
}

test('an answer comes to stdout, all else to stderr, and Ctrl-D ends', async () => {
  using person = new Person(words());
  await person.untilPrompt(1);
  person.type('hi\r');
  await person.untilPrompt(2);
  person.type(ctrlD);
  expect(await person.exitCode).toBe(0);
  expect(person.answers).toBe(await answerTo('--prompt', 'hi'));
  expect(person.notes).toContain('(cut after 8 tokens; --max-tokens or --context allow more)');
});

test('the conversation is kept, until /reset; /exit ends', async () => {
  using person = new Person(words());
  for (const [i, line] of ['hi', 'hi', '', '/reset', 'hi', '/exit'].entries()) {
    await person.untilPrompt(i + 1);
    person.type(`${line}\r`);
  }
  expect(await person.exitCode).toBe(0);
  const fresh = await answerTo('--prompt', 'hi');
  expect(person.answers.startsWith(fresh)).toBe(true);
  expect(person.answers.endsWith(fresh)).toBe(true);
  expect(person.answers).not.toBe(fresh.repeat(3));
});

test('Ctrl-C stops an answer, and the conversation goes on', async () => {
  using person = new Person(words('--max-tokens', '900'));
  await person.untilPrompt(1);
  person.type('hi\r');
  await person.untilAnswer();
  person.type(ctrlC);
  await person.untilNote('(stopped)');
  await person.untilPrompt(2);
  person.type(`never said${ctrlC}`);
  await person.untilNote('(Ctrl-C once more ends)');
  person.type('/exit\r');
  expect(await person.exitCode).toBe(0);
});

test('Ctrl-C at the prompt throws the line away, a second one ends', async () => {
  using person = new Person(words());
  await person.untilPrompt(1);
  person.type('never said');
  person.type(ctrlC);
  await person.untilNote('(Ctrl-C once more ends)');
  person.type(ctrlC);
  expect(await person.exitCode).toBe(0);
  expect(person.answers).toBe('');
});

test('Ctrl-C twice ends during an answer', async () => {
  using person = new Person(words('--max-tokens', '900'));
  await person.untilPrompt(1);
  person.type('hi\rtyped ahead\r');
  await person.untilAnswer();
  person.type(ctrlC + ctrlC);
  expect(await person.exitCode).toBe(0);
  expect(person.notes).toContain('(stopped)');
});

test('what does not fit the context is told, and the conversation goes on', async () => {
  using person = new Person(words('--context', '30'));
  await person.untilPrompt(1);
  person.type(`${'long '.repeat(20)}\r`);
  await person.untilNote('tokens, the context 30: begin anew');
  person.type('hi\r');
  await person.untilAnswer();
  person.type(ctrlD);
  expect(await person.exitCode).toBe(0);
});

test('a signal from outside ends the conversation with its reason', async () => {
  const outside = new AbortController();
  using person = new Person(words(), outside.signal);
  await person.untilPrompt(1);
  outside.abort(new Error('enough'));
  expect(await person.exitCode).toBe(130);
});

test('--json needs prompts', async () => {
  using person = new Person(words('--json'));
  expect(await person.exitCode).toBe(2);
  expect(person.notes).toContain('--json is for prompts: give --prompt, or prompts on stdin, a line each');
});
