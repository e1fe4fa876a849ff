import { z } from 'zod';
import { ConfigError } from '../../core/errors.js';
import { openText } from '../../core/model/open-text.js';
import { byteTextFiles } from '../../core/text/byte-text-files.js';
import { hfTokenizer } from '../../core/text/hf-tokenizer.js';
import { tokenizerConfig } from '../../core/text/tokenizer-config.js';

/** What a token looks like on the page. */
export type DecodeToken = (token: number) => string;

/** What a run's config says of its text; runs of older versions say nothing and speak bytes. */
const textChoice = z.object({
  tokenizer: tokenizerConfig,
  model: z.object({ path: z.string().nullable().default(null) }).prefault({}),
});

/** By the tokenizer of a run's config, as far as it lies on this machine: where it cannot be opened, tokens are their numbers. */
export async function tokenDecoder(config: unknown, signal: AbortSignal): Promise<DecodeToken> {
  const choice = textChoice.safeParse(config);
  if (!choice.success) return number;
  const { tokenizer, model } = choice.data;
  try {
    const env = { ...process.env, HF_HUB_OFFLINE: '1' };
    const text = await openText({ tokenizer, model: { ...model, customChatTemplate: null } }, { env }, signal);
    if (text === byteTextFiles) return decodeByte;
    const { decode } = hfTokenizer(text);
    return (token) => shown(decode([token]), token);
  } catch (error) {
    if (error instanceof ConfigError) return number;
    throw error;
  }
}

/** Tokens that are bytes as their character where it is printable, all others as their number in angle brackets. */
export function decodeByte(token: number): string {
  return token < 0x7f ? shown(String.fromCharCode(token), token) : number(token);
}

/** Parts of a character and what cannot be seen as their number. */
function shown(text: string, token: number): string {
  const isVisible = text !== '' && !/[\p{Cc}\p{Cf}\p{Cs}\ufffd]/u.test(text.replaceAll('\n', ''));
  return isVisible ? text.replaceAll('\n', '\u{21b5}\n') : number(token);
}

function number(token: number): string {
  return `\u{27e8}${token}\u{27e9}`;
}
