import { describe, expect, it } from 'vitest';
import { readExpression } from '../../envs/expression.js';

describe('an expression', () => {
  it.each([
    ['7', 7, 1],
    ['1+2*3', 7, 1],
    ['(1+2)*3', 9, 1],
    ['8-4-2', 2, 1],
    ['8/4/2', 1, 1],
    ['8/(4/2)', 4, 1],
    ['2-5', -3, 1],
    ['1/(2-5)', -1, 3],
    [' ( 1 + 2 ) / 3 ', 1, 1],
    ['((7))', 7, 1],
    ['1/3+1/3+1/3', 1, 1],
    ['999999999*999999999', 999999998000000001n, 1],
  ])('%s has an exact value', (text, numerator, denominator) => {
    const value = readExpression(text)?.value;
    if (value === undefined) throw new Error(`${text} was not read`);
    expect(value.numerator * BigInt(denominator)).toBe(BigInt(numerator) * value.denominator);
    expect(value.denominator > 0n).toBe(true);
  });

  it('says which numbers it is made of, in their order', () => {
    expect(readExpression('(10-2)*3/10')?.numbers).toEqual([10, 2, 3, 10]);
  });

  it.each([
    '',
    ' ',
    '+',
    '-3',
    '1+',
    '*2',
    '1 2',
    '1..2',
    '1.5',
    '2**3',
    '7//2',
    '(1+2',
    '1+2)',
    '()',
    '2(3)',
    '1+2=3',
    '1e3',
    '0x10',
    '１+２',
    '3×4',
    '1/0',
    '1/(2-2)',
    '1/(1/(3-3))',
    'process.exit(1)',
    '1234567890',
    '1\u0000+2',
  ])('is not %j', (text) => {
    expect(readExpression(text)).toBeUndefined();
  });

  it.each([
    '('.repeat(1_000_000),
    '9*'.repeat(500_000),
    `${'('.repeat(256)}`,
    `${' '.repeat(100_000)}x`,
    '1'.repeat(256),
  ])('takes no time however hostile it is (%#)', (text) => {
    const startedAt = performance.now();
    expect(readExpression(text)).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(100);
  });

  it('may be long: 128 nines are multiplied exactly', () => {
    const text = Array(128).fill('9').join('*');
    expect(readExpression(text)?.value.numerator).toBe(9n ** 128n);
  });
});
