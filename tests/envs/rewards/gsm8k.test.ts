import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { gsm8k } from '../../../envs/rewards/gsm8k.js';

const cases = z
  .array(
    z.object({
      solution: z.string(),
      ground_truth: z.string(),
      options: z.object({ method: z.enum(['strict', 'flexible']), format_score: z.number() }),
      expected: z.number(),
    }),
  )
  .parse(JSON.parse(readFileSync('tests/fixtures/rewards/gsm8k.json', 'utf8')));

it('gsm8k answers exactly as verl in all reference cases', () => {
  expect(cases).toHaveLength(81);
  for (const { solution, ground_truth, options, expected } of cases) {
    const scorer = gsm8k({ method: options.method, formatScore: options.format_score });
    expect(scorer.score(solution, ground_truth), JSON.stringify(solution)).toBe(expected);
  }
});

it.each([
  ['#### 18', '18', 1],
  ['#### 18', 18, 1],
  ['#### 17 #### 18', '18', 1],
  ['#### 1,018', '1018', 1],
  ['#### -3.5', '-3.5', 1],
  ['####18', '18', 0],
  [`#### 18${' '.repeat(294)}`, '18', 0],
  [`#### 18${'😀'.repeat(290)}`, '18', 1],
])('gsm8k, strict, gives %j for the truth %j %d', (answer, truth, expected) => {
  expect(gsm8k({ method: 'strict', formatScore: 0 }).score(answer, truth)).toBe(expected);
});

it.each([
  ['so 1,018.', '1018', 0.1],
  ['so 18 .', '18', 1],
  ['so .', '18', 0.1],
  ['so', '18', 0],
])('gsm8k, flexible, gives %j for the truth %j %d', (answer, truth, expected) => {
  expect(gsm8k({ method: 'flexible', formatScore: 0.1 }).score(answer, truth)).toBe(expected);
});

it('gsm8k compares with text and numbers only', () => {
  const scorer = gsm8k({ method: 'strict', formatScore: 0 });
  expect([scorer.problemOf('18'), scorer.problemOf(18)]).toEqual([undefined, undefined]);
  expect(scorer.problemOf({ target: ['18'] })).toBe('must be text or a number');
});
