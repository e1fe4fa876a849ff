import { type ChatTemplate, chatTemplate } from './chat-template.js';
import { type HfTokenizer, hfTokenizer } from './hf-tokenizer.js';
import { stopTokens } from './stop-tokens.js';
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
  return { ...template, tokenizer, stopTokens: stopTokens(files, tokenizer, template) };
}
