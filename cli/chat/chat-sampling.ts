import { z } from 'zod';
import { ConfigError } from '../../core/errors.js';
import type { TextFiles } from '../../core/text/text-files.js';
import type { ChatSampling } from './chat-model.js';

/** What a command line says of sampling. */
export interface SamplingFlags {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly maxTokens: number;
}

const makersSchema = z.looseObject({
  do_sample: z.boolean().nullish(),
  temperature: z.number().min(0).nullish(),
  top_k: z.int().min(0).nullish(),
  top_p: z.number().positive().max(1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
});

/** What was asked for; for the rest what the model's makers recommend, else the whole distribution at temperature 1. */
export function chatSampling(flags: SamplingFlags, generation: TextFiles['generation']): Omit<ChatSampling, 'seed'> {
  const makers = makersSchema.safeParse(generation);
  if (!makers.success) {
    const [issue] = makers.error.issues;
    throw new ConfigError(`generation_config.json of the model: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { do_sample, temperature, top_k, top_p, min_p } = makers.data;
  return {
    temperature: flags.temperature ?? (do_sample === false ? 0 : (temperature ?? 1)),
    topK: flags.topK ?? top_k ?? 0,
    topP: flags.topP ?? top_p ?? 1,
    minP: flags.minP ?? min_p ?? 0,
    maxTokens: flags.maxTokens,
  };
}
