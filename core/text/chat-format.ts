import { type ChatTemplate, chatTemplate } from './chat-template.js';
import { type HfTokenizer, hfTokenizer } from './hf-tokenizer.js';
import type { TextFiles } from './text-files.js';

/** How a model is talked with. */
export interface ChatFormat extends ChatTemplate {
  readonly tokenizer: HfTokenizer;
  /** Tokens that end an assistant turn; the first is the one that the template writes. */
  readonly stopTokens: readonly number[];
}

/**
 * The chat format of a checkpoint. A turn ends with the control token that the template writes behind it, or with any end token that the
 * checkpoint names. Throws ConfigError where there is no template.
 */
export function chatFormat(files: TextFiles): ChatFormat {
  const tokenizer = hfTokenizer(files);
  const template = chatTemplate(files, tokenizer);
  const written = endOfTurn(template, tokenizer);
  const named = [files.generation.eos_token_id, tokenizer.eosToken].flat().filter((id) => typeof id === 'number');
  const stopTokens = [...new Set([...(written === undefined ? [] : [written]), ...named])];
  return { ...template, tokenizer, stopTokens };
}

/** The first control token behind an assistant's words; undefined where the template writes none. */
function endOfTurn(template: ChatTemplate, { addedTokens }: HfTokenizer): number | undefined {
  const messages = [{ role: 'user', content: 'a' }] as const;
  const prompt = template.render({ messages }, { addGenerationPrompt: true });
  const answered = template.render(
    { messages: [...messages, { role: 'assistant', content: 'b' }] },
    { addGenerationPrompt: false },
  );
  const special = new Set([...addedTokens.values()].filter(({ isSpecial }) => isSpecial).map(({ id }) => id));
  return answered.slice(prompt.length).find((token) => special.has(token));
}
