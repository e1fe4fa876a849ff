import { afterEach, describe, expect, it } from 'vitest';
import { setLogSink } from '../../core/log.js';
import type { Json, Task } from '../../core/types.js';
import { dataset } from '../../envs/dataset.js';
import type { EnvDefinition, OpenContext, Split } from '../../envs/environment.js';
import { python } from '../../tools/python.js';
import { echoTool } from '../helpers/cli.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';
import { never, noSandbox } from '../rollout/episode-fixture.js';

const context = { signal: never, sandbox: () => noSandbox.create(never) };
const asked: OpenContext = { seed: 1, tools: [python], countTokens: (messages) => messages[0]?.content.length ?? 0 };

afterEach(() => setLogSink());

function rowsOf(count: number, change: { readonly [column: string]: Json } = {}): string {
  const row = (i: number) => ({
    data_source: 'openai/gsm8k',
    prompt: [{ role: 'user', content: `q${i}` }],
    reward_model: { style: 'rule', ground_truth: `${i}` },
    ...change,
  });
  return Array.from({ length: count }, (_, i) => `${JSON.stringify(row(i))}\n`).join('');
}

interface Given {
  readonly train?: string;
  readonly val?: string;
  readonly options?: object;
  readonly context?: OpenContext;
}

async function open({ train = rowsOf(10), val = rowsOf(4), options, context = asked }: Given = {}) {
  using folder = new TemporaryFolder().write({ 'train.jsonl': train, 'val.jsonl': val });
  const paths = { trainFiles: [`${folder.path}/train.jsonl`], valFiles: `${folder.path}/val.jsonl` };
  const parsed = dataset.options.parse({ ...paths, ...options });
  const env = await dataset.open?.(parsed, context, never);
  if (env === undefined) throw new Error('dataset opens files');
  return { env, parsed };
}

function tasks(
  { env, parsed }: { env: EnvDefinition; parsed: unknown },
  split: Split,
  from: number,
  to: number,
): Task[] {
  return Array.from({ length: to - from }, (_, i) => env.task(parsed, split, from + i, 1));
}

const ids = (given: readonly Task[]): string[] => given.map(({ id }) => id);

describe('the train tasks of a dataset', () => {
  it('are all rows, pass after pass, each pass in another order and with ids of its own', async () => {
    const opened = await open();
    const passes = [tasks(opened, 'train', 0, 10), tasks(opened, 'train', 10, 20)];
    const rows = passes.map((pass) => pass.map(({ data }) => JSON.stringify(data)));
    expect(new Set(rows[0])).toEqual(new Set(rows[1]));
    expect(rows[0]).not.toEqual(rows[1]);
    expect(new Set(passes.flatMap(ids)).size).toBe(20);
  });

  it('depend on seed and index alone, in whatever order they are asked for', async () => {
    const [one, other] = [await open(), await open()];
    const backwards = [25, 12, 3].map((index) => other.env.task(other.parsed, 'train', index, 1));
    expect(backwards.reverse()).toEqual([3, 12, 25].map((index) => one.env.task(one.parsed, 'train', index, 1)));
    const reseeded = await open({ context: { ...asked, seed: 2 } });
    expect(ids(tasks(reseeded, 'train', 0, 10))).not.toEqual(ids(tasks(one, 'train', 0, 10)));
    const named = await open({ context: { ...asked, seed: 2 }, options: { seed: 1 } });
    expect(ids(tasks(named, 'train', 0, 10))).toEqual(ids(tasks(one, 'train', 0, 10)));
  });

  it('are in the order of the file where they are not shuffled', async () => {
    const opened = await open({ options: { shuffle: false, trainMaxSamples: 2 } });
    expect(ids(tasks(opened, 'train', 0, 4))).toEqual(['row-0', 'row-1', 'row-0-epoch-1', 'row-1-epoch-1']);
  });

  it('leave out prompts that are too long, and say how many', async () => {
    const lines: string[] = [];
    setLogSink((line) => lines.push(line));
    const train = rowsOf(2) + rowsOf(1, { prompt: [{ role: 'user', content: 'long' }] });
    const opened = await open({ train, options: { maxPromptLength: 3 } });
    expect(new Set(ids(tasks(opened, 'train', 0, 2)))).toEqual(new Set(['row-0', 'row-1']));
    expect(lines.join()).toMatch(
      /env\.trainFiles sentence="left out 1 of 3 rows: 1 with a prompt of more than 3 tokens/,
    );
  });
});

describe('the eval tasks of a dataset', () => {
  it('are the rows in order, and no more than there are', async () => {
    const opened = await open();
    expect(ids(tasks(opened, 'eval', 0, 4))).toEqual(['row-0', 'row-1', 'row-2', 'row-3']);
    expect(() => tasks(opened, 'eval', 4, 5)).toThrow('env.valFiles has 4 rows; write data.evalSize: 4 or less');
  });
});

describe('an episode of a dataset', () => {
  it('asks what the row asks, ends with an answer and is judged by the row’s data_source', async () => {
    const { env, parsed } = await open();
    const task = env.task(parsed, 'eval', 3, 1);
    await using episode = env.create(parsed, [python]);
    expect(await episode.reset(task, context)).toEqual([{ role: 'user', content: 'q3' }]);
    const action = { content: '#### 3', toolCalls: [], parseErrors: [], isComplete: true };
    expect((await episode.step(action, context)).terminated).toBe(true);
    const judged = { task, messages: [], answer: '#### 3', stopReason: 'terminated' as const };
    expect(await episode.score(judged, context)).toEqual({ value: 1, parts: { acc: 1 }, pred: '#### 3' });
    expect((await episode.score({ ...judged, answer: '3' }, context)).value).toBe(0);
  });

  it('is judged by the scorer of the options where there is one', async () => {
    const val = rowsOf(1, { data_source: 'my/data' });
    const options = { scorer: { name: 'exact' } };
    const { env, parsed } = await open({ train: val, val, options });
    const task = env.task(parsed, 'eval', 0, 1);
    expect(task.dataSource).toBe('my/data');
    const judged = { task, messages: [], answer: ' 0\n', stopReason: 'terminated' as const };
    expect((await env.create(parsed, []).score(judged, context)).value).toBe(1);
  });

  it('offers the tools that its row selects', async () => {
    const tools = [python, echoTool];
    const val = rowsOf(1, { extra_info: { tool_selection: ['echo'] } }) + rowsOf(1);
    const { env, parsed } = await open({ val, context: { ...asked, tools } });
    const offered = tasks({ env, parsed }, 'eval', 0, 2).map(async (task) => {
      await using episode = env.create(parsed, tools);
      await episode.reset(task, context);
      return episode.tools.map(({ name }) => name);
    });
    expect(await Promise.all(offered)).toEqual([['echo'], ['python', 'echo']]);
  });
});

describe('a dataset that cannot be played', () => {
  it.each([
    [{ options: { trainFiles: [] } }, 'env.trainFiles names no file; write a path or a list of paths'],
    [{ options: { valFiles: 'nowhere/*.parquet' } }, 'no file matches nowhere/*.parquet'],
    [{ train: '' }, 'env.trainFiles: no row is left to play'],
    [
      { train: rowsOf(1, { data_source: 'my/data' }) },
      'no reward is known for data_source "my/data", only for openai/gsm8k, exact; write env.scorer: {name: exact}',
    ],
    [
      { train: rowsOf(1, { reward_model: { ground_truth: ['4'] } }) },
      'train.jsonl row 1: reward_model.ground_truth must be text or a number',
    ],
    [
      { train: rowsOf(1, { extra_info: { tool_selection: ['search'] } }) },
      'train.jsonl row 1: extra_info.tool_selection names "search"; add it to tools: of the run',
    ],
  ])('%j is refused at the start', async (given, message) => {
    await expect(open(given)).rejects.toThrow(message);
    await expect(open(given)).rejects.toMatchObject({ name: 'ConfigError' });
  });
});
