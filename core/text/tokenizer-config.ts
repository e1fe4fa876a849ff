import { z } from 'zod';

/** Whose tokens a run speaks. */
export const tokenizerConfig = z
  .discriminatedUnion('name', [
    z.strictObject({ name: z.literal('byte').describe('one token a byte') }),
    z.strictObject({
      name: z.literal('huggingface').describe('tokenizer and chat template of a checkpoint'),
      path: z.string().min(1).describe('the checkpoint: a directory, a GGUF file, or an id on the Hub'),
    }),
  ])
  .nullable()
  .default(null);

export type TokenizerConfig = z.output<typeof tokenizerConfig>;
