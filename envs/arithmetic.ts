import { z } from 'zod';
import type { Rng } from '../core/rng.js';
import type { Message } from '../core/types.js';
import { python } from '../tools/python.js';
import { defineEnv } from './define-env.js';
import { splitProblems } from './split-problems.js';

const OPERATORS = ['+', '-', '*'] as const;

const options = z
  .strictObject({
    operands: z.int().min(2).max(3).default(2).describe('numbers in an expression'),
    smallest: z.int().min(0).max(9_999).default(100).describe('smallest number'),
    largest: z.int().min(1).max(9_999).default(999).describe('largest number'),
    operators: z.array(z.enum(OPERATORS)).min(1).default(['*']).describe('operators to draw from'),
    teacher: z
      .strictObject({
        toolRate: z.number().min(0).max(1).default(0.4).describe('how often the teacher computes instead of guessing'),
        copyErrorRate: z.number().min(0).max(1).default(0.1).describe('how often it miscopies a digit, at each copy'),
      })
      .prefault({})
      .describe('the scripted, imperfect teacher of the warm start'),
  })
  .refine(({ smallest, largest }) => smallest < largest, { path: ['largest'], message: 'must be more than smallest' });

type Options = z.infer<typeof options>;

const INTEGER = /^-?\d+$/;

const expressionOf = splitProblems<Options, string>({
  name: 'arithmetic',
  draw: drawExpression,
  identity: (expression) => expression,
  remedy: 'raise env.largest',
});

/** Mental arithmetic is hard, a calculator is at hand: `347*582` is the prompt, the exact value the only right answer. */
export const arithmetic = defineEnv({
  name: 'arithmetic',
  description: 'Products, sums and differences of integers, with Python at hand.',
  options,
  tools: [python],
  task(request) {
    const expression = expressionOf(request);
    return { data: { expression, value: evaluate(expression).toString() } };
  },
  prompt: (task) => task.data.expression,
  rewards: {
    correct: { weight: 1, score: ({ task, answer }) => (answer.trim() === task.data.value ? 1 : 0) },
    used_tool: { weight: 0, score: ({ messages }) => (messages.some(({ toolCalls }) => toolCalls?.length) ? 1 : 0) },
  },
  demonstrate: (moment, { teacher }) => teach(moment, moment.task.data, teacher),
});

/** Numbers and operators are uniform. */
function drawExpression(rng: Rng, { operands, smallest, largest, operators }: Options): string {
  const number = () => `${smallest + rng.int(largest - smallest + 1)}`;
  let expression = number();
  for (let i = 1; i < operands; i++) expression += `${operators[rng.int(operators.length)]}${number()}`;
  return expression;
}

/** The exact value: products first, then sums and differences from left to right. */
function evaluate(expression: string): bigint {
  const terms = expression.match(/[+-]?[\d*]+/g) ?? [];
  return terms.reduce((sum, term) => sum + signedProduct(term), 0n);
}

function signedProduct(term: string): bigint {
  const factors = term.replace(/^[+-]/, '').split('*').map(BigInt);
  return factors.reduce((product, factor) => product * factor, term.startsWith('-') ? -1n : 1n);
}

interface Lesson {
  readonly rng: Rng;
  readonly messages: readonly Message[];
}

/** Guesses at once or asks Python first; says what Python printed; every copy may have a wrong digit. */
function teach(
  { rng, messages }: Lesson,
  { expression, value }: { expression: string; value: string },
  { toolRate, copyErrorRate }: Options['teacher'],
): Message {
  const copy = (text: string): string => (rng.float() < copyErrorRate ? miscopy(text, rng) : text);
  const last = messages.at(-1);
  if (last?.role === 'tool')
    return say(INTEGER.test(last.content.trim()) ? copy(last.content.trim()) : guess(value, rng));
  if (rng.float() >= toolRate) return say(guess(value, rng));
  const code = `print(${copy(expression)})`;
  return { role: 'assistant', content: '', toolCalls: [{ name: python.name, arguments: { code } }] };
}

function say(content: string): Message {
  return { role: 'assistant', content };
}

/** A number as long as the value, right only by luck. */
function guess(value: string, rng: Rng): string {
  return value.replace(
    /[1-9]\d*/,
    (digits) => `${1 + rng.int(9)}${digits.slice(1).replace(/\d/g, () => `${rng.int(10)}`)}`,
  );
}

/** One digit replaced by another one, never by 0, so that no number begins with it. */
function miscopy(text: string, rng: Rng): string {
  const positions = [...text.matchAll(/\d/g)].map(({ index }) => index);
  const position = positions[rng.int(positions.length)] ?? 0;
  const digit = ((Number(text[position]) + rng.int(8)) % 9) + 1;
  return text.slice(0, position) + digit + text.slice(position + 1);
}
