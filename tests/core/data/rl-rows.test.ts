import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readFiles } from '../../../core/data/read-rows.js';
import { lacksToolsKwargs, rlFieldsOf, rlRowOf, rlTask } from '../../../core/data/rl-rows.js';
import type { Row } from '../../../core/data/row.js';
import { ConfigError } from '../../../core/errors.js';
import type { Json } from '../../../core/types.js';
import { never } from '../../helpers/tiny-policy.js';

const row: { readonly [column: string]: Json } = {
  data_source: 'openai/gsm8k',
  prompt: [{ role: 'user', content: '2+2?' }],
  reward_model: { style: 'rule', ground_truth: '4' },
};

const place = (given: Row) => ({ file: 'train.jsonl', number: 3, row: given });

describe('a row of reinforcement learning', () => {
  it('of a real parquet file becomes a task that says the same', async () => {
    const rows = await readFiles('tests/fixtures/data/rl-zstd.parquet', never);
    const expected = JSON.parse(readFileSync('tests/fixtures/data/rl-zstd.json', 'utf8'));
    const tasks = rows.map(rlRowOf).map(rlTask);
    expect(tasks.map(({ data }) => data)).toEqual(expected);
    expect(tasks[3]).toMatchObject({ id: 'row-3', dataSource: 'openai/gsm8k' });
    expect(tasks.map((task) => rlFieldsOf(task).groundTruth)).toEqual(['3', '15', '27', '39', '51', '63', '75']);
    expect(rows.map(rlRowOf).map(({ toolSelection }) => toolSelection)[2]).toEqual(['python']);
  });

  it('may say null where it has nothing, and have columns of its own', () => {
    const nulls = { ability: null, extra_info: null, agent_name: null, images: null, videos: [], level: 5 };
    const given = { ...row, ...nulls, prompt: [{ role: 'user', content: '2+2?', name: null, tool_calls: null }] };
    const parsed = rlRowOf(place(given));
    expect(parsed.prompt).toEqual([{ role: 'user', content: '2+2?' }]);
    expect(parsed.toolSelection).toBeUndefined();
    expect(rlTask(parsed, 0).data).toMatchObject({ level: 5 });
  });

  it('warns where it needs arguments for its tools and has none', () => {
    const extra = (given: Json) => lacksToolsKwargs(place({ ...row, extra_info: given }));
    expect(extra({ need_tools_kwargs: true })).toBe(true);
    expect(extra({ need_tools_kwargs: true, tools_kwargs: { python: { create_kwargs: { a: 1 } } } })).toBe(false);
    expect([extra({ need_tools_kwargs: null }), extra(null)]).toEqual([false, false]);
  });

  it.each([
    [{ data_source: null }, /train\.jsonl row 3: data_source/],
    [{ prompt: [] }, /train\.jsonl row 3: prompt/],
    [{ prompt: 'hello' }, /train\.jsonl row 3: prompt is "hello"/],
    [{ prompt: [{ role: 'bot', content: '' }] }, /row 3: prompt\.0\.role is "bot"/],
    [{ prompt: [{ role: 'user', content: [{ type: 'image' }] }] }, /row 3 has 2 problems:\s+prompt\.0\.content/],
    [{ reward_model: { style: 'rule', ground_truth: null } }, /row 3: reward_model\.ground_truth/],
    [{ reward_model: {} }, /row 3: reward_model\.ground_truth/],
    [{ images: [{ path: 'a.png' }] }, /row 3: images: media are not supported/],
    [{ extra_info: { tool_selection: 'python' } }, /row 3: extra_info\.tool_selection is "python"/],
  ])('with %j is refused, naming file, row and field', (change: Row, message) => {
    expect(() => rlRowOf(place({ ...row, ...change }))).toThrow(message);
    expect(() => rlRowOf(place({ ...row, ...change }))).toThrow(ConfigError);
  });
});
