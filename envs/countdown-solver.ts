import { combine, type Fraction, type Operator, wholeNumber } from './expression.js';

/** Part of a solution: an expression and its value. */
interface Term {
  readonly text: string;
  readonly value: Fraction;
  /** What binds weaker than its surroundings is put in parentheses: 1 a sum, 2 a product, 3 a number. */
  readonly precedence: 1 | 2 | 3;
}

/** An expression that uses each number once and equals the target; undefined where there is none. The first in a fixed order. */
export function solveCountdown(
  numbers: readonly number[],
  target: number,
  operators: readonly Operator[],
): string | undefined {
  return solve(numbers.map(numberTerm), target, operators);
}

/** All the numbers, joined at random: the text and its value. */
export function joinAtRandom(
  numbers: readonly number[],
  operators: readonly Operator[],
  int: (bound: number) => number,
): { text: string; value: Fraction } | undefined {
  let terms = numbers.map(numberTerm);
  while (terms.length > 1) {
    const pairs = pairsOf(terms);
    const [left, right, rest] = pairs[int(pairs.length)] ?? [];
    const operator = operators[int(operators.length)];
    const joined = left && right && operator && join(left, operator, right);
    if (joined === undefined || rest === undefined) return undefined;
    terms = [joined, ...rest];
  }
  return terms[0];
}

function numberTerm(number: number): Term {
  return { text: `${number}`, value: wholeNumber(number), precedence: 3 };
}

/** Joins two terms in every way and solves what is left. */
function solve(terms: readonly Term[], target: number, operators: readonly Operator[]): string | undefined {
  const [first] = terms;
  if (first === undefined) return undefined;
  if (terms.length === 1) return isWhole(first.value, target) ? first.text : undefined;
  for (const [left, right, rest] of pairsOf(terms)) {
    for (const operator of operators) {
      const joined = join(left, operator, right);
      const solution = joined && solve([joined, ...rest], target, operators);
      if (solution !== undefined) return solution;
    }
  }
  return undefined;
}

/** Whether the value is the target, exactly. */
export function isWhole({ numerator, denominator }: Fraction, target: number): boolean {
  return numerator === BigInt(target) * denominator;
}

/** Every ordered pair, with the others. */
function pairsOf(terms: readonly Term[]): [Term, Term, Term[]][] {
  return terms.flatMap((left, i) =>
    terms.flatMap((right, j): [Term, Term, Term[]][] =>
      i === j ? [] : [[left, right, terms.filter((_, k) => k !== i && k !== j)]],
    ),
  );
}

function join(left: Term, operator: Operator, right: Term): Term | undefined {
  const value = combine(left.value, operator, right.value);
  if (value === undefined) return undefined;
  const precedence = operator === '+' || operator === '-' ? 1 : 2;
  const isOrdered = operator === '-' || operator === '/';
  const rightText = right.precedence < precedence || (isOrdered && right.precedence === precedence);
  const text = `${wrapped(left.text, left.precedence < precedence)}${operator}${wrapped(right.text, rightText)}`;
  return { text, value, precedence };
}

function wrapped(text: string, isWrapped: boolean): string {
  return isWrapped ? `(${text})` : text;
}
