import { expect, test } from 'vitest';
import { byteTokenizer } from '../../../core/text/byte-tokenizer.js';
import { GrowingText } from '../../../core/text/growing-text.js';
import { tinyTokenizer } from './tiny-tokenizer.js';

function pieces(tokens: readonly number[]): string[] {
  const grown = new GrowingText(byteTokenizer);
  return [...tokens.map((token) => grown.push([token])), grown.end()];
}

test('a character is given out when its last byte is there', () => {
  expect(pieces(byteTokenizer.encode('a☃b'))).toEqual(['a', '', '', '☃', 'b', '']);
});

test('bytes that nothing follows come at the end, as what is no text', () => {
  expect(pieces(byteTokenizer.encode('a☃').slice(0, -1))).toEqual(['a', '', '', '\u{fffd}']);
});

test('bytes of no character come with what follows them', () => {
  expect(pieces([0xff, 0x61])).toEqual(['', '\u{fffd}a', '']);
});

test('long texts are given out whole, however their tokens come', () => {
  const text = 'größe 😀 und ☃, <|im_end|> the user '.repeat(20);
  const tokenizer = tinyTokenizer();
  const tokens = tokenizer.encode(text);
  for (const size of [1, 2, 7, 100]) {
    const grown = new GrowingText(tokenizer);
    let told = '';
    for (let at = 0; at < tokens.length; at += size) told += grown.push(tokens.slice(at, at + size));
    expect(told + grown.end()).toBe(text);
  }
});

test('nothing is nothing', () => {
  expect(pieces([])).toEqual(['']);
});
