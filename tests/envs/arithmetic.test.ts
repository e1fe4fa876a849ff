import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { Rng } from '../../core/rng.js';
import type { Message, Task } from '../../core/types.js';
import { arithmetic } from '../../envs/arithmetic.js';
import type { Split } from '../../envs/environment.js';
import { never, noSandbox } from '../rollout/episode-fixture.js';

const options = arithmetic.options.parse({});
const context = { signal: never, sandbox: () => noSandbox.create(never) };
const call = { name: 'python', arguments: { code: 'print(1)' } };

interface Problem {
  expression: string;
  value: string;
}

function problem(task: Task): Problem {
  return task.data as unknown as Problem;
}

function problems(split: Split, count: number, seed = 1, settings: unknown = options): Problem[] {
  return Array.from({ length: count }, (_, i) => problem(arithmetic.task(settings, split, i, seed)));
}

describe('the tasks of arithmetic', () => {
  it('are a pure function of seed, split and index', () => {
    expect(arithmetic.task(options, 'train', 5, 1)).toEqual(arithmetic.task(options, 'train', 5, 1));
    expect(arithmetic.task(options, 'train', 5, 1)).toMatchObject({
      id: 'arithmetic-train-5',
      dataSource: 'arithmetic',
    });
    expect(problems('train', 20, 1)).not.toEqual(problems('train', 20, 2));
    expect(problems('eval', 20, 1)).not.toEqual(problems('eval', 20, 2));
  });

  it('of train and eval share no expression, whatever the seeds, and none repeats in eval', () => {
    const evalSet = new Set(problems('eval', 2000, 1).map(({ expression }) => expression));
    expect(evalSet.size).toBe(2000);
    for (const seed of [1, 2]) {
      expect(problems('train', 2000, seed).filter(({ expression }) => evalSet.has(expression))).toEqual([]);
    }
  });

  it('split even the smallest space completely', () => {
    const tiny = arithmetic.options.parse({ smallest: 1, largest: 9 });
    const evalSet = new Set(problems('eval', 10, 1, tiny).map(({ expression }) => expression));
    const trainSet = new Set(problems('train', 2000, 1, tiny).map(({ expression }) => expression));
    expect([evalSet.size, trainSet.size]).toEqual([10, 71]);
    expect([...trainSet].filter((expression) => evalSet.has(expression))).toEqual([]);
    expect(() => arithmetic.task(tiny, 'eval', 10, 1)).toThrow(ConfigError);
  });

  it.each([
    [{}, /^\d{3}\*\d{3}$/],
    [{ smallest: 10, largest: 99, operands: 3, operators: ['+', '-', '*'] }, /^\d\d[-+*]\d\d[-+*]\d\d$/],
    [{ smallest: 1000, largest: 9999, operands: 3, operators: ['*'] }, /^\d{4}\*\d{4}\*\d{4}$/],
  ])('look like their options %j and have the exact value', (settings, form) => {
    for (const { expression, value } of problems('train', 300, 3, arithmetic.options.parse(settings))) {
      expect(expression).toMatch(form);
      const exact = new Function(`return ${expression.replace(/\d+/g, '$&n')}`)();
      expect(value).toBe(String(exact));
    }
  });

  it('refuse options they do not know', () => {
    expect(arithmetic.options.safeParse({ digit: 3 }).success).toBe(false);
    expect(arithmetic.options.safeParse({ teacher: { toolrate: 1 } }).success).toBe(false);
    expect(arithmetic.options.safeParse({ operators: [] }).success).toBe(false);
  });
});

describe('the reward of arithmetic', () => {
  const task: Task = { id: 't', dataSource: 'arithmetic', data: { expression: '347*582', value: '201954' } };
  const score = (answer: string, messages: Message[] = []) =>
    arithmetic.create(options, []).score({ task, messages, answer, stopReason: 'terminated' }, context);

  it.each(['201954', ' 201954\n'])('is 1 for %j', async (answer) => {
    expect(await score(answer)).toMatchObject({ value: 1, parts: { correct: 1, used_tool: 0 } });
  });

  it.each([
    '',
    ' ',
    '201955',
    '2019540',
    'The answer is 201954',
    '201954.',
    '201954.0',
    '201,954',
    '+201954',
    '0201954',
    '347*582',
    '201954 201954',
    '２０１９５４',
    'NaN',
  ])('is 0 for %j', async (answer) => {
    expect((await score(answer)).value).toBe(0);
  });

  it('is 0 when only the tool said it, and the use of the tool is a metric alone', async () => {
    const messages: Message[] = [
      { role: 'assistant', content: '', toolCalls: [call] },
      { role: 'tool', name: 'python', content: '201954' },
    ];
    expect(await score('', messages)).toEqual({ value: 0, parts: { correct: 0, used_tool: 1 } });
    expect(await score('201954', messages)).toMatchObject({ value: 1, parts: { correct: 1, used_tool: 1 } });
  });
});

describe('the teacher of arithmetic', () => {
  const lessons = 4000;
  const task = arithmetic.task(options, 'train', 0, 1);
  const { expression, value } = problem(task);
  const say = (messages: Message[], seed: number, settings: unknown = options): Message => {
    const message = arithmetic.demonstrate?.(settings, { task, messages, rng: new Rng(seed) });
    if (message === undefined) throw new Error('arithmetic has a teacher');
    return message;
  };
  const said = (messages: Message[], settings?: unknown): Message[] =>
    Array.from({ length: lessons }, (_, seed) => say(messages, seed, settings));
  const question: Message = { role: 'user', content: expression };
  const answered: Message[] = [question, { role: 'assistant', content: '', toolCalls: [call] }];

  it('uses the tool at its rate and miscopies the expression at its rate', () => {
    const codes = said([question]).flatMap(
      ({ toolCalls }) => toolCalls?.map((each) => JSON.stringify(each.arguments)) ?? [],
    );
    const exact = codes.filter((code) => code === JSON.stringify({ code: `print(${expression})` }));
    expect(codes.length / lessons).toBeCloseTo(0.4, 1);
    expect(1 - exact.length / codes.length).toBeCloseTo(0.1, 1);
    expect(codes.every((code) => /^\{"code":"print\([1-9]\d\d\*[1-9]\d\d\)"\}$/.test(code))).toBe(true);
  });

  it('guesses a number of the right length otherwise, and is almost never right', () => {
    const guesses = said([question]).filter(({ toolCalls }) => toolCalls === undefined);
    expect(guesses.every(({ content }) => /^[1-9]\d*$/.test(content) && content.length === value.length)).toBe(true);
    expect(guesses.filter(({ content }) => content === value).length).toBeLessThan(5);
  });

  it('says what the tool printed and miscopies one digit at its rate', () => {
    const answers = said([...answered, { role: 'tool', name: 'python', content: value }]).map(({ content }) => content);
    const wrong = answers.filter((answer) => answer !== value);
    expect(wrong.length / lessons).toBeCloseTo(0.1, 1);
    expect(wrong.every((answer) => [...answer].filter((digit, i) => digit !== value[i]).length === 1)).toBe(true);
  });

  it('guesses when the tool printed no number', () => {
    expect(say([...answered, { role: 'tool', name: 'python', content: 'Traceback' }], 1).content).toMatch(/^\d+$/);
  });

  it('never errs when told so', () => {
    const settings = arithmetic.options.parse({ teacher: { toolRate: 1, copyErrorRate: 0 } });
    const calls = said([question], settings).map(({ toolCalls }) => toolCalls?.[0]?.arguments);
    expect(new Set(calls.map((each) => JSON.stringify(each)))).toEqual(
      new Set([JSON.stringify({ code: `print(${expression})` })]),
    );
  });

  it('guesses a negative value as a negative number without leading zero', () => {
    const negative: Task = { ...task, data: { expression: '100-999', value: '-899' } };
    const settings = arithmetic.options.parse({ teacher: { toolRate: 0 } });
    for (let seed = 0; seed < 200; seed++) {
      const message = arithmetic.demonstrate?.(settings, { task: negative, messages: [], rng: new Rng(seed) });
      expect(message?.content).toMatch(/^-[1-9]\d\d$/);
    }
  });
});
