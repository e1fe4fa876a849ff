import { z } from 'zod';
import { ConfigError } from '../core/errors.js';
import { Rng, rngKey } from '../core/rng.js';
import type { Message } from '../core/types.js';
import { python } from '../tools/python.js';
import { defineEnv, type TaskRequest } from './define-env.js';

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

/** One in so many expressions belongs to the eval split. */
const EVAL_SHARE = 8;
/** Draws without a new expression of the split after which there is none left. */
const MAX_DRAWS = 2000;
const INTEGER = /^-?\d+$/;

/** Mental arithmetic is hard, a calculator is at hand: `347*582` is the prompt, the exact value the only right answer. */
export const arithmetic = defineEnv({
  name: 'arithmetic',
  description: 'Products, sums and differences of integers, with Python at hand.',
  options,
  tools: [python],
  task(request) {
    const expression = request.split === 'train' ? trainExpression(request) : evalExpression(request);
    return { data: { expression, value: evaluate(expression).toString() } };
  },
  prompt: (task) => task.data.expression,
  rewards: {
    correct: { weight: 1, score: ({ task, answer }) => (answer.trim() === task.data.value ? 1 : 0) },
    used_tool: { weight: 0, score: ({ messages }) => (messages.some(({ toolCalls }) => toolCalls?.length) ? 1 : 0) },
  },
  demonstrate: (moment, { teacher }) => teach(moment, moment.task.data, teacher),
});

/** Train may repeat an expression: each index draws on its own. */
function trainExpression({ rng, options }: TaskRequest<Options>): string {
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const expression = drawExpression(rng, options);
    if (!isEval(expression)) return expression;
  }
  throw new ConfigError('arithmetic has no train tasks with these options; raise env.largest');
}

/** Eval never does: index i is the i-th different one of a stream that seed and options name. */
function evalExpression({ seed, index, options }: TaskRequest<Options>): string {
  const name = JSON.stringify([seed, options]);
  if (evalStream?.name !== name) evalStream = { name, expressions: distinctEvalExpressions(seed, options), drawn: [] };
  const { expressions, drawn } = evalStream;
  while (drawn.length <= index) {
    const { value } = expressions.next();
    if (value === undefined) {
      throw new ConfigError(
        `arithmetic has ${drawn.length} eval tasks with these options; ask for fewer or raise env.largest`,
      );
    }
    drawn.push(value);
  }
  return drawn[index] ?? '';
}

/** What was drawn last, so that a run of indices costs one draw each; the result does not depend on it. */
let evalStream: { name: string; expressions: Generator<string, undefined>; drawn: string[] } | undefined;

function* distinctEvalExpressions(seed: number, options: Options): Generator<string, undefined> {
  const rng = new Rng(rngKey(seed, 'arithmetic', 'eval'));
  const drawn = new Set<string>();
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const expression = drawExpression(rng, options);
    if (!isEval(expression) || drawn.has(expression)) continue;
    drawn.add(expression);
    yield expression;
    draw = 0;
  }
  return undefined;
}

/** The split is a property of the expression alone, so that no run trains on another's eval tasks. */
function isEval(expression: string): boolean {
  return rngKey('arithmetic', 'split', expression) % EVAL_SHARE === 0;
}

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
