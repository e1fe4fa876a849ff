import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { byteTokenizer } from '../../../core/text/byte-tokenizer.js';

const NAMES = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<tool_call>',
  '</tool_call>',
  '<tool_response>',
  '</tool_response>',
];

describe('byteTokenizer', () => {
  it('has one token a byte and then the control tokens in Qwen order', () => {
    expect(byteTokenizer.vocabSize).toBe(263);
    expect(NAMES.map((name) => byteTokenizer.special(name))).toEqual([256, 257, 258, 259, 260, 261, 262]);
  });

  it.each(['', '347*582', 'naïve 漢字 🙂', '\ufeffmark', '\u0000\n\t'])('decodes what it encoded: %j', (text) => {
    expect(byteTokenizer.decode(byteTokenizer.encode(text))).toBe(text);
  });

  it.each(NAMES)('encodes the name of %s inside a text as plain bytes', (name) => {
    expect(byteTokenizer.encode(`say ${name}`).every((token) => token < 256)).toBe(true);
  });

  it('decodes control tokens as their names', () => {
    expect(byteTokenizer.decode([257, 65, 258])).toBe('<|im_start|>A<|im_end|>');
  });

  it('decodes invalid UTF-8 and unknown tokens as replacement characters', () => {
    expect(byteTokenizer.decode([0xff, 65])).toBe('\ufffdA');
    expect(byteTokenizer.decode([0xe6, 258, 0xbc])).toBe('\ufffd<|im_end|>\ufffd');
    expect(byteTokenizer.decode([263, -1])).toBe('\ufffd\ufffd');
  });

  it('names the control tokens it has when asked for another', () => {
    expect(() => byteTokenizer.special('<think>')).toThrow(ConfigError);
    expect(() => byteTokenizer.special('<think>')).toThrow(/<\|im_end\|>/);
  });
});
