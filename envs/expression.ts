/** An exact number; the denominator is positive, the two need not be in lowest terms. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const OPERATORS = ['+', '-', '*', '/'] as const;
export type Operator = (typeof OPERATORS)[number];

export interface ExpressionValue {
  readonly value: Fraction;
  /** The numbers written, in their order. */
  readonly numbers: readonly number[];
}

/** Bounds the depth of parentheses and the size of the numbers on the way. */
const MAX_LENGTH = 256;
const TOKEN = /\s*(?:(\d{1,9})(?!\d)|([-+*/()]))/y;

/** The exact value of + - * / and parentheses over whole numbers; undefined where the text is anything else or divides by 0. */
export function readExpression(text: string): ExpressionValue | undefined {
  const tokens = text.length <= MAX_LENGTH ? tokenize(text.trim()) : undefined;
  if (tokens === undefined) return undefined;
  const reader = new Reader(tokens);
  const value = reader.sum();
  if (value === undefined || !reader.isAtEnd) return undefined;
  return { value, numbers: tokens.filter((token) => typeof token === 'number') };
}

/** Undefined where it divides by 0. */
export function combine(left: Fraction, operator: Operator, right: Fraction): Fraction | undefined {
  const { numerator: a, denominator: b } = left;
  const { numerator: c, denominator: d } = right;
  if (operator === '+') return { numerator: a * d + c * b, denominator: b * d };
  if (operator === '-') return { numerator: a * d - c * b, denominator: b * d };
  if (operator === '*') return { numerator: a * c, denominator: b * d };
  if (c === 0n) return undefined;
  return c > 0n ? { numerator: a * d, denominator: b * c } : { numerator: -a * d, denominator: -b * c };
}

export function wholeNumber(value: number): Fraction {
  return { numerator: BigInt(value), denominator: 1n };
}

type Token = number | Operator | '(' | ')';

function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) return undefined;
    tokens.push(match[1] === undefined ? symbol(match[2]) : Number(match[1]));
  }
  return tokens;
}

function symbol(text: string | undefined): Operator | '(' | ')' {
  return OPERATORS.find((operator) => operator === text) ?? (text === '(' ? '(' : ')');
}

/** Recursive descent, one method a level of precedence; each gives undefined where the text is no expression. */
class Reader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#next === this.#tokens.length;
  }

  sum(): Fraction | undefined {
    return this.#chain(['+', '-'], () => this.#chain(['*', '/'], () => this.#operand()));
  }

  /** Operands with operators of one precedence between them, from left to right. */
  #chain(operators: readonly Operator[], operand: () => Fraction | undefined): Fraction | undefined {
    let value = operand();
    for (;;) {
      const operator = operators.find((each) => each === this.#tokens[this.#next]);
      if (value === undefined || operator === undefined) return value;
      this.#next++;
      const right = operand();
      value = right && combine(value, operator, right);
    }
  }

  #operand(): Fraction | undefined {
    const token = this.#tokens[this.#next++];
    if (typeof token === 'number') return wholeNumber(token);
    if (token !== '(') return undefined;
    const value = this.sum();
    return this.#tokens[this.#next++] === ')' ? value : undefined;
  }
}
