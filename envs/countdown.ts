import { z } from 'zod';
import type { Rng } from '../core/rng.js';
import { taggedAnswer } from './answer-tag.js';
import { isWhole, joinAtRandom, solveCountdown } from './countdown-solver.js';
import { defineEnv } from './define-env.js';
import { type Fraction, OPERATORS, readExpression } from './expression.js';
import { splitProblems } from './split-problems.js';

const options = z.strictObject({
  numbers: z.int().min(2).max(4).default(3).describe('numbers to use, each exactly once'),
  max: z.int().min(1).max(9_999).default(9).describe('largest number'),
  targetMax: z.int().min(1).max(999_999).default(99).describe('largest target; the smallest is 1'),
  operators: z
    .array(z.enum(OPERATORS))
    .min(1)
    .default([...OPERATORS])
    .describe('operators that problems are made with; answers may use all four'),
  formatScore: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('what an expression of exactly the given numbers is worth that misses the target'),
  instructions: z
    .boolean()
    .default(false)
    .describe('explain the game in a system message; tiny policies do without to keep contexts short'),
  teacher: z
    .strictObject({ errorRate: z.number().min(0).max(1).default(0.5).describe('how often it joins at random') })
    .prefault({})
    .describe('the scripted, imperfect teacher of the warm start'),
});

type Options = z.infer<typeof options>;

type Problem = { readonly numbers: readonly number[]; readonly target: number };

const problemOf = splitProblems<Options, Problem>({
  name: 'countdown',
  draw: drawProblem,
  identity: prompt,
  // The same numbers in another order have the same solutions.
  splitKey: ({ numbers, target }) => `${sorted(numbers)}=${target}`,
  remedy: 'raise env.max or env.targetMax',
});

/**
 * The countdown game, after TinyZero: `3 5 7=22` asks for an expression of these numbers, each used once, that equals 22.
 * Values are exact. TinyZero gives its format score for any tagged answer; here the numbers must be right.
 */
export const countdown = defineEnv({
  name: 'countdown',
  description: 'Reach a target from a few numbers with + - * /.',
  options,
  task: (request) => ({ data: problemOf(request) }),
  prompt: ({ data }, options) => [
    ...(options.instructions ? [{ role: 'system' as const, content: instructions(options) }] : []),
    { role: 'user', content: prompt(data) },
  ],
  pred: ({ answer }) => taggedAnswer(answer),
  rewards: {
    score: {
      weight: 1,
      score({ task, answer, options }) {
        if (isCorrect(answer, task.data)) return 1;
        return isFormatted(answer, task.data) ? options.formatScore : 0;
      },
    },
    correct: { weight: 0, score: ({ task, answer }) => (isCorrect(answer, task.data) ? 1 : 0) },
    format: { weight: 0, score: ({ task, answer }) => (isFormatted(answer, task.data) ? 1 : 0) },
  },
  demonstrate: ({ task, rng }, options) => ({ role: 'assistant', content: teach(task.data, rng, options) }),
});

/** Undefined where the numbers, joined at random, give no target. */
function drawProblem(rng: Rng, { numbers, max, targetMax, operators }: Options): Problem | undefined {
  const drawn = Array.from({ length: numbers }, () => 1 + rng.int(max));
  const value = joinAtRandom(drawn, operators, (bound) => rng.int(bound))?.value;
  if (value === undefined || value.numerator % value.denominator !== 0n) return undefined;
  const target = value.numerator / value.denominator;
  return target >= 1n && target <= BigInt(targetMax) ? { numbers: drawn, target: Number(target) } : undefined;
}

function prompt({ numbers, target }: Problem): string {
  return `${numbers.join(' ')}=${target}`;
}

function instructions({ numbers }: Options): string {
  return (
    `You are given ${numbers} numbers and, after the equals sign, a target. Answer an expression that equals the target: ` +
    'each number exactly once, + - * / and parentheses. If you say more than that, put it between <answer> and </answer>.'
  );
}

function isFormatted(answer: string, problem: Problem): boolean {
  return valueReached(answer, problem) !== undefined;
}

function isCorrect(answer: string, problem: Problem): boolean {
  const value = valueReached(answer, problem);
  return value !== undefined && isWhole(value, problem.target);
}

/** Undefined unless the answer is an expression of exactly the given numbers. */
function valueReached(answer: string, problem: Problem): Fraction | undefined {
  const expression = readExpression(taggedAnswer(answer));
  return expression && sorted(expression.numbers) === sorted(problem.numbers) ? expression.value : undefined;
}

function sorted(numbers: readonly number[]): string {
  return numbers.toSorted((a, b) => a - b).join(' ');
}

/** A solution found by search or, as a mistake, the numbers joined at random. */
function teach({ numbers, target }: Problem, rng: Rng, { operators, teacher }: Options): string {
  const isMistake = rng.float() < teacher.errorRate;
  const guess = joinAtRandom(numbers, operators, (bound) => rng.int(bound))?.text ?? numbers.join('+');
  return isMistake ? guess : (solveCountdown(numbers, target, operators) ?? guess);
}
