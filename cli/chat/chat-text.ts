import { ConfigError } from '../../core/errors.js';
import type { ModelFiles } from '../../core/model/model-files.js';
import { chatTemplate } from '../../core/text/chat-template.js';
import { type HfTokenizer, hfTokenizer } from '../../core/text/hf-tokenizer.js';
import { stopTokens } from '../../core/text/stop-tokens.js';
import type { TextFiles } from '../../core/text/text-files.js';
import type { Message } from '../../core/types.js';

/** How a model reads what is said to it. */
export interface ChatText {
  /** A conversation that the assistant is to go on with; or text as it is, names of control tokens and all. */
  encode(prompt: readonly Message[] | string): number[];
  decode(tokens: readonly number[]): string;
  readonly stopTokens: readonly number[];
  /** Content of generation_config.json. */
  readonly generation: TextFiles['generation'];
}

/** Throws ConfigError where the model brings no tokenizer, or no chat template and the text is not to be raw. */
export function chatText(
  { text, source, config }: Pick<ModelFiles, 'text' | 'source' | 'config'>,
  { isRaw }: { readonly isRaw: boolean },
): ChatText {
  if (text === undefined) {
    throw new ConfigError(`${source} brings no tokenizer: put the tokenizer.json of its makers beside its weights`);
  }
  if (text.chatTemplate === undefined && !isRaw) {
    throw new ConfigError(
      `${source} brings no chat template: choose a model that was trained to talk, or continue text with --raw`,
    );
  }
  const tokenizer = hfTokenizer(text);
  const template = text.chatTemplate === undefined ? undefined : chatTemplate(text, tokenizer);
  const generation = { eos_token_id: config.eos_token_id ?? undefined, ...text.generation };
  return {
    encode(prompt) {
      if (typeof prompt === 'string') return [...firstToken(text, tokenizer), ...tokenizer.encodeWithSpecials(prompt)];
      return template?.render({ messages: prompt }, { addGenerationPrompt: true }) ?? [];
    },
    decode: tokenizer.decode,
    stopTokens: stopTokens({ generation }, tokenizer, isRaw ? undefined : template),
    generation,
  };
}

/** The token that every text begins with, where the tokenizer puts one there. */
function firstToken({ config, tokenizer: file }: TextFiles, { bosToken, namedTokens }: HfTokenizer): readonly number[] {
  if (bosToken === undefined) return [];
  const written = JSON.stringify(file.post_processor ?? null).includes(JSON.stringify(namedTokens.bos_token));
  const adds = typeof config.add_bos_token === 'boolean' ? config.add_bos_token : written;
  return adds ? [bosToken] : [];
}
