import { z } from 'zod';
import { type Scorer, textOf, textProblem } from './scorer.js';

export const gsm8kOptions = z.strictObject({
  method: z
    .enum(['strict', 'flexible'])
    .default('strict')
    .describe('strict reads the number after the last `#### `, flexible the last number'),
  formatScore: z.number().default(0).describe('what a number is worth that is wrong'),
});

/** The answer stands at the end; verl looks no further back than so many characters. */
const READ_CHARACTERS = 300;

/** verl's scorer of openai/gsm8k: 1 for the number of the ground truth, compared as text; 0 where the answer has no number. */
export function gsm8k({ method, formatScore }: z.output<typeof gsm8kOptions>): Scorer {
  return {
    problemOf: textProblem,
    score(answer, groundTruth) {
      const end = [...answer].slice(-READ_CHARACTERS).join('');
      const number = method === 'strict' ? markedNumber(end) : lastNumber(end);
      if (number === undefined) return 0;
      return number === textOf(groundTruth) ? 1 : formatScore;
    },
  };
}

/** Without its commas. */
function markedNumber(text: string): string | undefined {
  return [...text.matchAll(/#### (-?[0-9.,]+)/g)].at(-1)?.[1]?.replaceAll(',', '');
}

/** With its commas. A lone dot counts only where there is nothing else: a number, though never the right one. */
function lastNumber(text: string): string | undefined {
  const numbers = text.match(/-?[0-9.,]+/g) ?? [];
  return numbers.findLast((number) => number !== '.') ?? numbers[0];
}
