import { expect, test } from 'vitest';
import * as z from 'zod';
import { ConfigError } from '../../../core/errors.js';
import { Rng } from '../../../core/rng.js';
import { hfTokenizer } from '../../../core/text/hf-tokenizer.js';
import { fixture, tinyFiles, tinyTokenizer } from './tiny-tokenizer.js';

const tokenizer = tinyTokenizer();
const names = [...tokenizer.specials.keys()];

function randomText(rng: Rng): string {
  const pieces = [...names, 'the user', ' ', '\n\n', 'é', '日本', '🎉', "don't", '42', '<', '|>', '\ufeff', '\u0000'];
  return Array.from({ length: rng.int(20) }, () => pieces[rng.int(pieces.length)]).join('');
}

test('encodes as the tokenizers library of Python does', () => {
  const expected = z
    .array(z.object({ text: z.string(), ids: z.array(z.number()) }))
    .parse(fixture('tiny-encodings.json'));
  expect(expected.map(({ text }) => tokenizer.encodeWithSpecials(text))).toEqual(expected.map(({ ids }) => ids));
});

test('what is decoded is what was encoded, with and without control tokens', () => {
  for (let seed = 0; seed < 200; seed++) {
    const text = randomText(new Rng(seed)).normalize('NFC');
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.decode(tokenizer.encodeWithSpecials(text))).toBe(text);
  }
});

test('no text encodes to a control token', () => {
  const control = new Set(tokenizer.specials.values());
  for (let seed = 0; seed < 200; seed++) {
    expect(tokenizer.encode(randomText(new Rng(seed))).filter((id) => control.has(id))).toEqual([]);
  }
});

test('the names of control tokens become them where that is asked for', () => {
  expect(tokenizer.encodeWithSpecials(names.join(''))).toEqual([...tokenizer.specials.values()]);
});

test('decode never throws and shows unknown ids as U+FFFD', () => {
  expect(tokenizer.decode([-1, 1.5, 1e9, Number.NaN])).toBe('\ufffd\ufffd\ufffd\ufffd');
  expect(tokenizer.decode(tokenizer.encode('é').slice(0, 1))).toBe('\ufffd');
});

test('knows the tokens that its configuration names', () => {
  expect(tokenizer.eosToken).toBe(tokenizer.special('<|im_end|>'));
  expect(tokenizer.bosToken).toBeUndefined();
  expect(tokenizer.vocabSize).toBe(Math.max(...tokenizer.specials.values()) + 1);
  expect(() => tokenizer.special('<|nothing|>')).toThrow(
    new ConfigError('the tokenizer has no control token <|nothing|>'),
  );
});

test('a word of 200 000 characters takes no more than seconds', () => {
  const word = 'the'.repeat(70_000);
  const start = performance.now();
  expect(tokenizer.decode(tokenizer.encode(word))).toBe(word);
  expect(performance.now() - start).toBeLessThan(10_000);
});

test.each([
  ['no model', { model: undefined }, 'not a byte-pair encoding'],
  ['another model', { model: { type: 'Unigram', vocab: [] } }, 'not a byte-pair encoding'],
  ['an absurd id', { model: { type: 'BPE', vocab: { a: 1e12 }, merges: [] } }, 'token "a" has id 1000000000000'],
  [
    'a merge of nothing known',
    { model: { type: 'BPE', vocab: { a: 0 }, merges: ['a b'] } },
    'merge "a b" names a token',
  ],
  ['an unknown pre-tokenizer', { pre_tokenizer: { type: 'Magic' } }, 'Magic'],
  ['an added token without id', { added_tokens: [{ content: '<x>' }] }, 'has no content or no id'],
])('%s is a ConfigError', (_, change, message) => {
  const files = tinyFiles();
  const open = (): unknown => hfTokenizer({ ...files, tokenizer: { ...files.tokenizer, ...change } });
  expect(open).toThrow(ConfigError);
  expect(open).toThrow(message);
});
