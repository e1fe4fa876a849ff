import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyTokenizer } from '../core/text/tiny-tokenizer.js';
import { detectedBackend } from '../helpers/backend.js';
import { chatModel, writeAdapter, writeChatModel } from '../helpers/chat-model.js';
import { type CliResult, runCli } from '../helpers/cli.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';

let model: TemporaryFolder;
beforeAll(async () => {
  model = await chatModel();
});
afterAll(() => model[Symbol.dispose]());

function chat(path: string, words: readonly string[], lines?: readonly string[]): Promise<CliResult> {
  const common = ['--backend', detectedBackend, '--max-tokens', '24'];
  return runCli(['chat', path, ...common, ...words], lines === undefined ? {} : { lines });
}

async function answers(path: string, words: readonly string[], lines?: readonly string[]) {
  const { stdout, stderr } = await chat(path, [...words, '--json'], lines);
  if (stderr.startsWith('error')) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const greedy = ['--temperature', '0'];

describe('prompts', () => {
  test('the text that is streamed is the one that --json reports', async () => {
    for (const seed of ['1', '2', '3']) {
      const words = ['--prompt', 'hi', '--seed', seed];
      const [answer] = await answers(model.path, words);
      expect((await chat(model.path, words)).stdout).toBe(`${answer.text}\n`);
    }
  });

  test('--json tells prompt, text, tokens, why the answer ended and how fast it came', async () => {
    const [answer] = await answers(model.path, ['--prompt', 'hi', ...greedy]);
    expect(answer).toMatchObject({ prompt: 'hi', finishReason: 'length', promptTokens: expect.any(Number) });
    expect(answer.tokens).toHaveLength(24);
    expect(answer.tokensPerSecond).toBeGreaterThan(0);
    expect(answer.text).toBe(tinyTokenizer().decode(answer.tokens));
  });

  test('greedy answers are the same each time, and each --prompt is a conversation of its own', async () => {
    const [first, second] = await answers(model.path, ['--prompt', 'hi', '--prompt', 'hi', ...greedy]);
    expect(second.tokens).toEqual(first.tokens);
    expect((await answers(model.path, ['--prompt', 'hi', ...greedy]))[0].tokens).toEqual(first.tokens);
  });

  test('equal seeds give equal answers, other seeds others', async () => {
    const tokensOf = async (seed: string) => (await answers(model.path, ['--prompt', 'hi', '--seed', seed]))[0].tokens;
    const first = await tokensOf('5');
    expect(await tokensOf('5')).toEqual(first);
    expect(await tokensOf('6')).not.toEqual(first);
  });

  test('each line of a pipe is a prompt; empty ones are passed over', async () => {
    const found = await answers(model.path, greedy, ['hi', '', 'how']);
    expect(found.map(({ prompt }) => prompt)).toEqual(['hi', 'how']);
    expect((await answers(model.path, ['--prompt', 'how', ...greedy]))[0].tokens).toEqual(found[1].tokens);
  });

  test('--system is part of what the model reads', async () => {
    const [without] = await answers(model.path, ['--prompt', 'hi', ...greedy]);
    const [told] = await answers(model.path, ['--prompt', 'hi', '--system', 'Be brief.', ...greedy]);
    expect(told.promptTokens).toBeGreaterThan(without.promptTokens);
  });

  test('an answer ends at a token that generation_config.json names, which is no part of its text', async () => {
    const [free] = await answers(model.path, ['--prompt', 'hi', ...greedy]);
    using stopping = await chatModel({ generation: { eos_token_id: [9999, free.tokens[4]] } });
    const [answer] = await answers(stopping.path, ['--prompt', 'hi', ...greedy]);
    const end = free.tokens.indexOf(free.tokens[4]);
    expect(answer).toMatchObject({ finishReason: 'stop', tokens: free.tokens.slice(0, end + 1) });
    expect(answer.text).toBe(tinyTokenizer().decode(free.tokens.slice(0, end)));
  });

  test('how to sample is what the makers say, unless it is asked for', async () => {
    using cold = await chatModel({ generation: { temperature: 0 } });
    const [likeliest] = await answers(model.path, ['--prompt', 'hi', ...greedy]);
    expect((await answers(cold.path, ['--prompt', 'hi']))[0].tokens).toEqual(likeliest.tokens);
    expect((await answers(model.path, ['--prompt', 'hi', '--top-k', '1']))[0].tokens).toEqual(likeliest.tokens);
    expect((await answers(cold.path, ['--prompt', 'hi', '--temperature', '1']))[0].tokens).not.toEqual(
      likeliest.tokens,
    );
  });

  test('--raw continues the text as it is, also without a template', async () => {
    using bare = await chatModel({ template: null });
    const [answer] = await answers(bare.path, ['--raw', '--prompt', '<|im_start|>user', ...greedy]);
    expect(answer.promptTokens).toBe(tinyTokenizer().encodeWithSpecials('<|im_start|>user').length);
  });

  test('an answer ends where the context is full', async () => {
    const [answer] = await answers(model.path, ['--prompt', 'hi', '--context', '20', ...greedy]);
    expect(answer.promptTokens + answer.tokens.length).toBe(20);
  });

  test('no tensor is left behind', async () => {
    await chat(model.path, ['--prompt', 'hi']);
    const before = tf.memory().numTensors;
    await chat(model.path, ['--prompt', 'hi']);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('what can be named', () => {
  test('a run is its newest checkpoint', async () => {
    using run = new TemporaryFolder().write({ 'config.yaml': '' });
    await writeChatModel(run, 'checkpoints/global_step_10');
    await writeChatModel(run, 'checkpoints/global_step_9', { template: null });
    expect((await answers(run.path, ['--prompt', 'hi', ...greedy]))[0].finishReason).toBe('length');
    await expect(answers(join(run.path, 'checkpoints/global_step_9'), ['--prompt', 'hi'])).rejects.toThrow('--raw');
  });

  test('an adapter merged by --adapter answers as one named alone', async () => {
    using folder = new TemporaryFolder();
    await writeAdapter(folder, 'adapter', model.path);
    const adapter = join(folder.path, 'adapter');
    const [alone] = await answers(adapter, ['--prompt', 'hi', ...greedy]);
    const [merged] = await answers(model.path, ['--prompt', 'hi', '--adapter', adapter, ...greedy]);
    expect(merged.tokens).toEqual(alone.tokens);
    expect((await answers(model.path, ['--prompt', 'hi', ...greedy]))[0].tokens).not.toEqual(alone.tokens);
  });
});

describe('mistakes', () => {
  test.each([
    [['--raw', '--system', 'x'], '--system is a part of a conversation: leave out --raw'],
    [['--context', '2000'], 'a context of 2000 tokens is more than the 1024 of '],
    [['--context', '4'], 'tokens, the context 4: begin anew, or ask for a longer one with --context'],
    [['--temperature', '-1'], "argument '-1' is invalid. Write a number of at least 0."],
    [['--top-p', '0'], "argument '0' is invalid. Write a number from "],
    [['--max-tokens', '1.5'], "argument '1.5' is invalid. Write a whole number of at least 1."],
    [['--backend', 'gpu'], 'Allowed choices are auto, native'],
    [['--adapter', 'nowhere'], 'nowhere/adapter_config.json is missing or no JSON'],
  ])('%j is answered with "%s"', async (words, sentence) => {
    const { exitCode, stdout, stderr } = await chat(model.path, ['--prompt', 'hi', ...words]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });

  test.each([
    [{ hasTokenizer: false }, 'brings no tokenizer: put the tokenizer.json of its makers beside its weights'],
    [
      { template: null },
      'brings no chat template: choose a model that was trained to talk, or continue text with --raw',
    ],
    [{ generation: { temperature: 'hot' } }, 'generation_config.json of the model: temperature: '],
  ])('a model with %j is answered with "%s"', async (changes, sentence) => {
    using broken = await chatModel(changes);
    const { exitCode, stderr } = await chat(broken.path, ['--prompt', 'hi']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(sentence);
  });

  test('a model that is not there and a run without a checkpoint are mistakes', async () => {
    using run = new TemporaryFolder().write({ 'config.yaml': '' });
    mkdirSync(join(run.path, 'checkpoints'));
    expect((await chat('nowhere', ['--prompt', 'hi'])).stderr).toContain('nowhere');
    expect((await chat(run.path, ['--prompt', 'hi'])).stderr).toContain('has no checkpoint yet');
  });

  test('an aborted answer ends with the reason, and what was said stays', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const { exitCode } = await runCli(['chat', model.path, '--prompt', 'hi'], { signal });
    expect(exitCode).toBe(130);
  });
});
