import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { Action } from '../../core/types.js';
import { defineEnv } from '../../envs/define-env.js';
import { echo, never, noSandbox, question } from '../rollout/episode-fixture.js';

const context = { signal: never, sandbox: () => noSandbox.create(never) };
const action = (parts: Partial<Action>): Action => ({
  content: '',
  toolCalls: [],
  parseErrors: [],
  isComplete: true,
  ...parts,
});

async function started(definition = question) {
  const env = definition.create(definition.options.parse({}), definition.defaultTools);
  const prompt = await env.reset(definition.task({}, 'train', 0, 1), context);
  return { env, prompt };
}

describe('defineEnv', () => {
  it('fills in id and data source, and gives each task its own random numbers', () => {
    const dice = defineEnv({
      name: 'dice',
      task: ({ rng }) => ({ data: rng.int(1e9) }),
      prompt: () => '',
      rewards: {},
    });
    const task = dice.task({}, 'eval', 3, 1);
    expect(task).toMatchObject({ id: 'dice-eval-3', dataSource: 'dice' });
    expect(dice.task({}, 'eval', 3, 1)).toEqual(task);
    const others = [dice.task({}, 'train', 3, 1), dice.task({}, 'eval', 4, 1), dice.task({}, 'eval', 3, 2)];
    expect(new Set([task, ...others].map(({ data }) => data)).size).toBe(4);
  });

  it("keeps an id of the task's own", () => {
    const named = defineEnv({
      name: 'named',
      task: ({ index }) => ({ id: `row-${index}`, data: null }),
      prompt: () => '',
      rewards: {},
    });
    expect(named.task({}, 'train', 2, 1).id).toBe('row-2');
  });

  it('infers the types of data and options for prompt, rewards and teacher', () => {
    const definition = defineEnv({
      name: 'typed',
      options: z.strictObject({ size: z.int().default(3) }),
      task: ({ options, index }) => ({ data: { text: 'x'.repeat(options.size), index } }),
      prompt(task, options) {
        expectTypeOf(task.data).toEqualTypeOf<{ text: string; index: number }>();
        expectTypeOf(options).toEqualTypeOf<{ size: number }>();
        return task.data.text;
      },
      rewards: { long: { weight: 1, score: ({ task }) => task.data.text.length } },
    });
    expect(definition.task(definition.options.parse({}), 'train', 1, 1).data).toEqual({ text: 'xxx', index: 1 });
    expect(definition.options.safeParse({ sise: 3 }).success).toBe(false);
  });

  it('without options refuses any', () => {
    expect(question.options.safeParse({}).success).toBe(true);
    expect(question.options.safeParse({ digits: 3 }).success).toBe(false);
  });

  it('makes a prompt that is a string one user message', async () => {
    expect((await started()).prompt).toEqual([{ role: 'user', content: 'yes or no?' }]);
  });

  it('has a teacher only if one was given', () => {
    expect(question.demonstrate).toBeUndefined();
  });
});

describe('the default step', () => {
  it('ends the task at a complete turn without calls', async () => {
    const { env } = await started();
    expect(await env.step(action({ content: 'yes' }), context)).toEqual({
      messages: [],
      toolCalls: [],
      terminated: true,
    });
  });

  it('answers calls in order and then what could not be read', async () => {
    const { env } = await started();
    const toolCalls = ['a', 'b'].map((text) => ({ name: echo.name, arguments: { text } }));
    const result = await env.step(action({ toolCalls, parseErrors: ['Tool call 3 has no "name".'] }), context);
    expect(result.terminated).toBe(false);
    expect(result.messages.map(({ role }) => role)).toEqual(['tool', 'tool', 'tool']);
    expect(result.messages.map(({ content }) => content)).toEqual(['a', 'b', expect.stringContaining('has no "name"')]);
    expect(result.toolCalls.map(({ error }) => error)).toEqual([undefined, undefined, 'unparsable']);
  });

  it('asks a turn that was cut to be brief', async () => {
    const { env } = await started();
    const result = await env.step(action({ content: 'well', isComplete: false }), context);
    expect(result).toMatchObject({ terminated: false, messages: [{ role: 'user' }] });
  });

  it('can be replaced, and its way of answering calls reused', async () => {
    const twice = defineEnv({
      name: 'twice',
      tools: [echo],
      task: () => ({ data: null }),
      prompt: () => 'go',
      rewards: {},
      step: async (_action, { answerCalls }) => ({ ...(await answerCalls()), terminated: true }),
    });
    const { env } = await started(twice);
    const result = await env.step(action({ toolCalls: [{ name: 'echo', arguments: { text: 'hi' } }] }), context);
    expect(result).toMatchObject({ terminated: true, messages: [{ content: 'hi' }] });
  });
});

describe('state', () => {
  const counter = defineEnv({
    name: 'counter',
    options: z.strictObject({ from: z.int().default(10) }),
    task: ({ index }) => ({ data: { index } }),
    state: (task, options) => ({ count: options.from + task.data.index }),
    prompt: () => '',
    step(_action, { state }) {
      expectTypeOf(state).toEqualTypeOf<{ count: number }>();
      state.count++;
      return { messages: [], toolCalls: [], terminated: false };
    },
    rewards: { count: { weight: 1, score: ({ state, options }) => state.count - options.from } },
  });
  const options = counter.options.parse({});
  const over = { messages: [], answer: '', stopReason: 'terminated' as const };

  it('is made at reset, changed by steps and seen by rewards', async () => {
    const task = counter.task(options, 'train', 1, 1);
    const env = counter.create(options, []);
    await env.reset(task, context);
    await env.step(action({}), context);
    await env.step(action({}), context);
    expect(await env.score({ ...over, task }, context)).toEqual({ value: 3, parts: { count: 3 } });
  });

  it('of one episode is not that of another', async () => {
    const task = counter.task(options, 'train', 0, 1);
    const [played, fresh] = [counter.create(options, []), counter.create(options, [])];
    for (const env of [played, fresh]) await env.reset(task, context);
    await played.step(action({}), context);
    expect((await played.score({ ...over, task }, context)).value).toBe(1);
    expect((await fresh.score({ ...over, task }, context)).value).toBe(0);
  });
});

describe('rewards', () => {
  const scored = (score: () => number) =>
    defineEnv({
      name: 'scored',
      task: () => ({ data: null }),
      prompt: () => '',
      rewards: {
        main: { weight: 0.5, score: () => 3 },
        extra: { weight: 2, score: async () => 1 },
        seen: { weight: 0, score },
      },
    });
  const judge = (score: () => number) => {
    const definition = scored(score);
    const episode = {
      task: definition.task({}, 'train', 0, 1),
      messages: [],
      answer: '',
      stopReason: 'terminated' as const,
    };
    return definition.create({}, []).score(episode, context);
  };

  it('are the weighted sum of their parts, weight 0 included as a metric', async () => {
    expect(await judge(() => 7)).toEqual({ value: 3.5, parts: { main: 3, extra: 1, seen: 7 } });
  });

  it('of turns are added to the sum, and are a part of their own', async () => {
    const paid = defineEnv({
      name: 'paid',
      task: () => ({ data: null }),
      prompt: () => '',
      step: () => ({ messages: [], toolCalls: [], terminated: false, reward: -0.25 }),
      rewards: { main: { weight: 1, score: () => 1 } },
    });
    const { env } = await started(paid);
    for (let turn = 0; turn < 2; turn++) await env.step(action({}), context);
    const episode = { task: paid.task({}, 'train', 0, 1), messages: [], answer: '', stopReason: 'max_turns' as const };
    expect(await env.score(episode, context)).toEqual({ value: 0.5, parts: { main: 1, turn_rewards: -0.5 } });
  });

  it('carry the answer as pred, or what the environment makes of it, and nothing where there is none', async () => {
    const pred = async (answer: string, spec: { pred?: (episode: { answer: string }) => string }) => {
      const definition = defineEnv({ name: 'p', task: () => ({ data: null }), prompt: () => '', rewards: {}, ...spec });
      const task = definition.task({}, 'train', 0, 1);
      const episode = { task, messages: [], answer, stopReason: 'terminated' as const };
      return await definition.create({}, []).score(episode, context);
    };
    expect(await pred('7', {})).toEqual({ value: 0, parts: {}, pred: '7' });
    expect(await pred(' 7.0', { pred: ({ answer }) => `${Number(answer)}` })).toMatchObject({ pred: '7' });
    expect(await pred('', {})).toEqual({ value: 0, parts: {} });
    expect(await pred('7', { pred: () => '' })).toEqual({ value: 0, parts: {} });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('throw instead of counting %d as 0', async (value) => {
    await expect(judge(() => value)).rejects.toThrow(`reward seen of scored is ${value} (scored-train-0)`);
  });
});
