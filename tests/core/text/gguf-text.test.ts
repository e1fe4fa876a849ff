import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import type { GgufMetadata, GgufValue } from '../../../core/model/gguf/metadata.js';
import { textFilesOf } from '../../../core/text/gguf-text.js';
import { ggufTextMetadata } from '../../../core/text/gguf-text-metadata.js';
import type { TextFiles } from '../../../core/text/text-files.js';

interface Fixture {
  readonly tokenizer: TextFiles['tokenizer'];
  readonly config: TextFiles['config'];
  readonly metadata: { readonly [key: string]: GgufValue };
  readonly cases: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

const read = (name: string): Fixture =>
  JSON.parse(readFileSync(new URL(`../../fixtures/gguf-text/${name}.json`, import.meta.url), 'utf8'));
const textOf = ({ metadata }: Fixture, changes: { readonly [key: string]: GgufValue } = {}) =>
  textFilesOf(new Map(Object.entries({ ...metadata, ...changes })), 'x.gguf')!;
const filesOf = ({ tokenizer, config }: Fixture): TextFiles => ({
  tokenizer,
  config,
  chatTemplate: 'template',
  generation: {},
});
const metadataOf = (text: TextFiles, vocabSize: number): GgufMetadata =>
  new Map(ggufTextMetadata(text, vocabSize, 'x').map(({ key, value }) => [key, value]));
const idsOf = ({ tokenizer, config }: TextFiles, text: string) => new Tokenizer(tokenizer, config).encode(text).ids;

describe.each(['qwen2', 'smollm', 'gemma'])('of a small %s tokenizer', (name) => {
  const fixture = read(name);
  const size = (fixture.metadata['tokenizer.ggml.tokens'] as readonly string[]).length;

  test('the metadata give the ids that its own tokenizer.json gives', () => {
    const text = textOf(fixture);
    const tokenizer = new Tokenizer(text.tokenizer, text.config);
    for (const each of fixture.cases) expect(tokenizer.encode(each.text).ids, each.text).toEqual(each.ids);
  });

  test('tokenizer.json becomes the tokens and types that llama.cpp writes', () => {
    const metadata = metadataOf(filesOf(fixture), size);
    for (const key of [
      'model',
      'pre',
      'tokens',
      'token_type',
      'merges',
      'bos_token_id',
      'eos_token_id',
      'add_bos_token',
    ])
      expect(metadata.get(`tokenizer.ggml.${key}`), key).toEqual(fixture.metadata[`tokenizer.ggml.${key}`]);
  });

  test('what was written reads as what was read', () => {
    const text = { ...textOf(fixture), chatTemplate: 'template' };
    const again = textFilesOf(metadataOf(text, size), 'x.gguf')!;
    expect(again.tokenizer).toEqual(text.tokenizer);
    expect(again.generation).toEqual(text.generation);
    expect(again.config).toEqual({ ...text.config, chat_template: 'template' });
  });
});

test('control tokens are special, tokens a user defined are not, filling tokens are left out', () => {
  const { tokenizer } = textOf(read('qwen2'));
  expect(tokenizer.added_tokens).toMatchObject([
    { content: '<|endoftext|>', special: true },
    { content: '<|im_end|>', special: true },
    { content: '<think>', special: false },
  ]);
  expect(JSON.stringify(tokenizer)).not.toContain('[PAD');
});

test('merges made from scores are those that transformers makes', () => {
  const { tokenizer } = textOf(read('gemma'));
  expect(tokenizer.model).toMatchObject({ merges: (read('gemma').tokenizer.model as { merges: unknown }).merges });
});

test('a text begins with the bos token where the metadata say so', () => {
  const fixture = read('qwen2');
  const bos = fixture.metadata['tokenizer.ggml.bos_token_id'];
  expect(idsOf(textOf(fixture, { 'tokenizer.ggml.add_bos_token': true }), 'the')[0]).toBe(bos);
  expect(idsOf(textOf(fixture), 'the')[0]).not.toBe(bos);
});

test('every token the metadata name as an end is one', () => {
  const text = textOf(read('qwen2'), { 'tokenizer.ggml.eos_token_id': 401, 'tokenizer.ggml.eot_token_id': 400 });
  expect(text.generation.eos_token_id).toEqual([401, 400]);
});

test('the chat template is taken over', () => {
  const text = textOf(read('qwen2'), { 'tokenizer.chat_template': '{{ messages }}' });
  expect([text.chatTemplate, text.config.chat_template]).toEqual(['{{ messages }}', '{{ messages }}']);
});

test('a SentencePiece vocabulary with a space prefix puts a space before the text and takes it away again', () => {
  const text = textOf(read('gemma'), {
    'tokenizer.ggml.add_space_prefix': true,
    'tokenizer.ggml.add_bos_token': false,
  });
  const tokenizer = new Tokenizer(text.tokenizer, text.config);
  expect(tokenizer.encode('the').ids).toEqual(idsOf(textOf(read('gemma')), ' the').slice(1));
  expect(tokenizer.decode(tokenizer.encode('the').ids)).toBe('the');
});

test('a file without a tokenizer has no text', () => {
  expect(textFilesOf(new Map(), 'x.gguf')).toBeUndefined();
  expect(textFilesOf(new Map([['tokenizer.ggml.model', 'none']]), 'x.gguf')).toBeUndefined();
});

test.each([
  ['an unknown way to cut text', { pre: 'viking' }, /x\.gguf.*tokenizer\.ggml\.pre = "viking"/],
  ['an unknown kind', { model: 'bert' }, /"bert"/],
  ['a token twice', { tokens: ['a', 'a'], token_type: [1, 1], merges: [] }, /"a" twice/],
  ['lists of different lengths', { token_type: [1] }, /1 entries of tokenizer\.ggml\.token_type/],
  ['a merge of no tokens', { merges: ['the 日'] }, /the merge "the 日"/],
  ['a merge of one part', { merges: ['the'] }, /the merge "the"/],
  ['tokens that are numbers', { tokens: [1, 2] }, /tokenizer\.ggml\.tokens of another kind/],
])('%s is a ConfigError that names it', (_, changes, message) => {
  const prefixed = Object.fromEntries(Object.entries(changes).map(([key, value]) => [`tokenizer.ggml.${key}`, value]));
  expect(() => textOf(read('smollm'), prefixed)).toThrow(ConfigError);
  expect(() => textOf(read('smollm'), prefixed)).toThrow(message);
});

test('a tokenizer that llama.cpp has no way of cutting for cannot be written', () => {
  const files = filesOf(read('qwen2'));
  const odd = { ...files, tokenizer: { ...files.tokenizer, pre_tokenizer: { type: 'Whitespace' } } };
  expect(() => ggufTextMetadata(odd, 500, 'x')).toThrow(/llama\.cpp knows no way to cut text.*Whitespace/);
});

test('a tokenizer that is larger than its model cannot be written', () => {
  expect(() => ggufTextMetadata(filesOf(read('qwen2')), 100, 'x')).toThrow(/100 embeddings/);
});

test('a token called __proto__ keeps its id', () => {
  const tokens = ['a', '__proto__'];
  const changes = { 'tokenizer.ggml.tokens': tokens, 'tokenizer.ggml.token_type': [1, 1], 'tokenizer.ggml.merges': [] };
  const text = textOf(read('smollm'), changes);
  expect(JSON.stringify(text.tokenizer)).toContain('"vocab":{"a":0,"__proto__":1}');
  expect(metadataOf(text, 2).get('tokenizer.ggml.tokens')).toEqual(tokens);
});
