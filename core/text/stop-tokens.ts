import { z } from 'zod';
import type { ChatTemplate } from './chat-template.js';
import type { HfTokenizer } from './hf-tokenizer.js';
import type { TextFiles } from './text-files.js';

const idsSchema = z.union([z.int().min(0), z.array(z.int().min(0))]);
const ANSWER = 'answer';

/** Tokens that end what a model says: the one that its chat template writes behind an answer first, then those that its files name. */
export function stopTokens(
  files: Pick<TextFiles, 'generation'>,
  tokenizer: HfTokenizer,
  template: ChatTemplate | undefined,
): readonly number[] {
  const { data: named = [] } = idsSchema.safeParse(files.generation.eos_token_id);
  const end = template === undefined ? undefined : turnEnd(template, tokenizer);
  return [...new Set([end, named, tokenizer.eosToken].flat())].filter((id) => id !== undefined);
}

/** The last control token behind an answer; undefined where the template writes none. */
function turnEnd(template: ChatTemplate, tokenizer: HfTokenizer): number | undefined {
  const messages = [
    { role: 'user', content: 'question' },
    { role: 'assistant', content: ANSWER },
  ] as const;
  const ids = template.render({ messages }, { addGenerationPrompt: false });
  const control = new Set(tokenizer.specials.values());
  const at = ids.findLastIndex((id) => control.has(id));
  return tokenizer.decode(ids.slice(at + 1)).includes(ANSWER) ? undefined : ids[at];
}
