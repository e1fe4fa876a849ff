import { ConfigError } from '../errors.js';
import type { Tokenizer } from './tokenizer.js';

const BYTES = 256;
/** Qwen's names; the order fixes their ids and therefore what a checkpoint means. */
export const byteControlTokens: readonly string[] = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<tool_call>',
  '</tool_call>',
  '<tool_response>',
  '</tool_response>',
];
const REPLACEMENT = '\u{fffd}';

/** One token a UTF-8 byte (ids 0 to 255), then Qwen's control tokens from 256 on. */
export const byteTokenizer: Tokenizer = {
  vocabSize: BYTES + byteControlTokens.length,

  encode(text) {
    return Array.from(new TextEncoder().encode(text));
  },

  decode(tokens) {
    let text = '';
    let bytes: number[] = [];
    for (const token of tokens) {
      if (token >= 0 && token < BYTES) {
        bytes.push(token);
        continue;
      }
      text += decodeBytes(bytes) + (byteControlTokens[token - BYTES] ?? REPLACEMENT);
      bytes = [];
    }
    return text + decodeBytes(bytes);
  },

  special(name) {
    const index = byteControlTokens.indexOf(name);
    if (index < 0)
      throw new ConfigError(`the byte tokenizer has no control token ${name}; it has ${byteControlTokens.join(' ')}`);
    return BYTES + index;
  },
};

function decodeBytes(bytes: readonly number[]): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}
