import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.js';
import type { Reward, Task } from '../../core/types.js';
import { countdown } from '../../envs/countdown.js';
import { solveCountdown } from '../../envs/countdown-solver.js';
import type { Split } from '../../envs/environment.js';
import { OPERATORS, readExpression } from '../../envs/expression.js';
import { never, noSandbox } from '../rollout/episode-fixture.js';

const context = { signal: never, sandbox: () => noSandbox.create(never) };
const options = countdown.options.parse({});
const task: Task = { id: 't', dataSource: 'countdown', data: { numbers: [3, 5, 7], target: 22 } };

interface Problem {
  numbers: number[];
  target: number;
}

function problemOf(each: Task): Problem {
  return each.data as unknown as Problem;
}

function problems(split: Split, count: number, settings: object = {}, seed = 1): Problem[] {
  const parsed = countdown.options.parse(settings);
  return Array.from({ length: count }, (_, i) => problemOf(countdown.task(parsed, split, i, seed)));
}

async function judged(answer: string, settings: object = {}): Promise<Reward> {
  const env = countdown.create(countdown.options.parse(settings), []);
  return await env.score({ task, messages: [], answer, stopReason: 'terminated' }, context);
}

function equals(text: string | undefined, target: number): boolean {
  const value = text === undefined ? undefined : readExpression(text)?.value;
  return value !== undefined && value.numerator === BigInt(target) * value.denominator;
}

describe('the tasks of countdown', () => {
  it.each([{}, { numbers: 4, max: 99, targetMax: 100 }, { numbers: 2, max: 50, operators: ['+', '-'] }])(
    'with %j can be solved, and stay in their bounds',
    (settings) => {
      const parsed = countdown.options.parse(settings) as Required<typeof settings> & {
        max: number;
        targetMax: number;
      };
      for (const { numbers, target } of [...problems('train', 60, settings), ...problems('eval', 40, settings)]) {
        expect(numbers.every((number) => number >= 1 && number <= parsed.max)).toBe(true);
        expect(target >= 1 && target <= parsed.targetMax).toBe(true);
        expect(equals(solveCountdown(numbers, target, OPERATORS), target)).toBe(true);
      }
    },
  );

  it('of train and eval share no problem, in whatever order its numbers stand, and none repeats in eval', () => {
    const key = ({ numbers, target }: Problem) => `${numbers.toSorted().join()}=${target}`;
    const evalProblems = problems('eval', 300);
    const evalKeys = new Set(evalProblems.map(key));
    expect(new Set(evalProblems.map((each) => JSON.stringify(each))).size).toBe(300);
    for (const seed of [1, 2]) {
      expect(problems('train', 1000, {}, seed).filter((each) => evalKeys.has(key(each)))).toEqual([]);
    }
  });

  it('are a pure function of options, seed, split and index', () => {
    for (const split of ['train', 'eval'] as const) {
      expect(problems(split, 30)).toEqual(problems(split, 30));
      expect(problems(split, 30)).not.toEqual(problems(split, 30, {}, 2));
    }
  });

  it('are asked in one short line, with an explanation before it when asked to', async () => {
    const short = await countdown.create(options, []).reset(task, context);
    expect(short).toEqual([{ role: 'user', content: '3 5 7=22' }]);
    const explained = countdown.options.parse({ instructions: true });
    const long = await countdown.create(explained, []).reset(task, context);
    expect(long.map(({ role }) => role)).toEqual(['system', 'user']);
  });
});

describe('the reward of countdown', () => {
  it.each([
    '3*5+7',
    '7 + 5 * 3',
    '(3*5)+7',
    'I try. <answer>7+3*5</answer>',
    '<answer>3</answer><answer>3*5+7</answer>',
  ])('is 1 for %j', async (answer) => {
    expect(await judged(answer)).toMatchObject({ value: 1, parts: { score: 1, correct: 1, format: 1 } });
  });

  it.each(['3+5+7', '7-5-3', '(3+5)/7'])('is the format score for %j', async (answer) => {
    expect(await judged(answer)).toMatchObject({ value: 0.1, parts: { correct: 0, format: 1 } });
    expect((await judged(answer, { formatScore: 0.25 })).value).toBe(0.25);
  });

  it.each([
    '',
    '22',
    '3*5+7=22',
    '3*5',
    '3*5+7+3-3',
    '35-7-5',
    '3*5+7/1',
    '3**5+7',
    '-3+5*7',
    '3/(5-5)+7',
    '<answer></answer>3*5+7',
    '3 5 7',
    '22.0',
  ])('is 0 for %j', async (answer) => {
    expect(await judged(answer)).toMatchObject({ value: 0, parts: { score: 0, correct: 0, format: 0 } });
  });

  it('counts exactly: a third of three thirds is no rounding', async () => {
    const thirds: Task = { ...task, data: { numbers: [8, 3, 8, 3], target: 24 } };
    const env = countdown.create(options, []);
    const episode = { task: thirds, messages: [], answer: '8/(3-8/3)', stopReason: 'terminated' as const };
    expect((await env.score(episode, context)).value).toBe(1);
  });

  it('votes on what stands in the tags', async () => {
    expect((await judged('so <answer> 3*5+7 </answer>')).pred).toBe('3*5+7');
  });

  it.each(['<answer>'.repeat(50_000), '('.repeat(200_000), '9*'.repeat(200_000)])(
    'takes no time however hostile the answer is (%#)',
    async (answer) => {
      const startedAt = performance.now();
      expect((await judged(answer)).value).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(200);
    },
  );
});

describe('the teacher of countdown', () => {
  const said = (count: number, settings: object): string[] =>
    Array.from({ length: count }, (_, i) => {
      const parsed = countdown.options.parse(settings);
      const each = countdown.task(parsed, 'train', i, 1);
      return countdown.demonstrate?.(parsed, { task: each, messages: [], rng: new Rng(i) }).content ?? '';
    });
  const right = (answers: string[], settings: object): number => {
    const all = problems('train', answers.length, settings);
    return answers.filter((answer, i) => equals(answer, all[i]?.target ?? 0)).length / answers.length;
  };

  it('without errors is always right, also with four large numbers', () => {
    for (const settings of [{}, { numbers: 4, max: 99 }, { operators: ['+', '-'] }]) {
      const faultless = { ...settings, teacher: { errorRate: 0 } };
      expect(right(said(40, faultless), faultless)).toBe(1);
    }
  });

  it('errs at its rate, but for lucky guesses, and always uses the given numbers', () => {
    const settings = { numbers: 3, max: 99, targetMax: 9999, teacher: { errorRate: 0.4 } };
    const answers = said(1500, settings);
    expect(right(answers, settings)).toBeGreaterThan(0.57);
    expect(right(answers, settings)).toBeLessThan(0.68);
    const used = answers.map((answer) => readExpression(answer)?.numbers.toSorted());
    expect(used).toEqual(problems('train', 1500, settings).map(({ numbers }) => numbers.toSorted()));
  });
});

describe('the solver of countdown', () => {
  it.each([
    [[8, 3, 8, 3], 24],
    [[1, 5, 5, 5], 24],
    [[2, 3], 6],
  ])('finds %j = %d', (numbers, target) => {
    expect(equals(solveCountdown(numbers, target, OPERATORS), target)).toBe(true);
  });

  it('knows when there is no solution, and uses no operator it may not', () => {
    expect(solveCountdown([1, 1], 3, OPERATORS)).toBeUndefined();
    expect(solveCountdown([2, 3], 6, ['+', '-'])).toBeUndefined();
  });

  it('writes no parentheses that say nothing', () => {
    expect(solveCountdown([3, 5, 7], 22, OPERATORS)).toBe('3*5+7');
    expect(solveCountdown([9, 4, 2], 3, ['-'])).toBe('9-4-2');
    expect(solveCountdown([9, 4, 2], 7, ['-'])).toBe('2-(4-9)');
  });
});
