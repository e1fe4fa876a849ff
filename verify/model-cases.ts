import { z } from 'zod';
import { ConfigError } from '../core/errors.js';
import { readJson } from './json-file.js';

/** What another implementation says of one sequence of tokens. */
const caseSchema = z
  .object({
    input_ids: z.array(z.int().min(0)).min(1),
    /** After the last token: one a token of the vocabulary. */
    logits_last: z.array(z.number()).optional(),
    /** Of each token given those before it; one for the first token, which has none before it, is ignored. */
    logprobs: z.array(z.number().nullable()).optional(),
  })
  .transform(({ input_ids: tokens, logits_last: lastLogits, logprobs }, context) => {
    const problem = (path: string, message: string): never => {
      context.addIssue({ code: 'custom', path: [path], message });
      return z.NEVER;
    };
    if (lastLogits === undefined && logprobs === undefined) return problem('', 'neither logits_last nor logprobs');
    if (logprobs === undefined) return { tokens, lastLogits };
    if (![tokens.length - 1, tokens.length].includes(logprobs.length))
      return problem('logprobs', `${logprobs.length} numbers for ${tokens.length} tokens, expected one less`);
    const given = logprobs.slice(1 + logprobs.length - tokens.length).filter((value) => value !== null);
    if (given.length < tokens.length - 1) return problem('logprobs', 'null where a number is expected');
    return { tokens, lastLogits, logprobs: given };
  });

const fileSchema = z.object({ cases: z.array(caseSchema).min(1) });

/** One sequence with its `lastLogits` [V], `logprobs` [T - 1], or both. */
export type ModelCase = z.output<typeof caseSchema>;

/** Throws ConfigError when there is no such file or it is not of this format. */
export async function readModelCases(path: string): Promise<readonly ModelCase[]> {
  const parsed = fileSchema.safeParse(await readJson(path));
  if (parsed.success) return parsed.data.cases;
  throw new ConfigError(`${path} is not a file of a model's reference numbers: ${z.prettifyError(parsed.error)}`);
}

/** Throws ConfigError when the cases cannot be of a model with this vocabulary. */
export function checkVocabulary(cases: readonly ModelCase[], vocabSize: number): void {
  for (const [index, { tokens, lastLogits }] of cases.entries()) {
    const unknown = tokens.find((token) => token >= vocabSize);
    if (unknown !== undefined)
      throw new ConfigError(`cases[${index}] has token ${unknown}, the model's vocabulary ends at ${vocabSize - 1}`);
    if (lastLogits !== undefined && lastLogits.length !== vocabSize)
      throw new ConfigError(
        `cases[${index}] has ${lastLogits.length} logits_last, the model's vocabulary ${vocabSize} tokens`,
      );
  }
}
