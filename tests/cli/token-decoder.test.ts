import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tokenDecoder } from '../../cli/report/decode-token.js';
import { tinyFiles, tinyTokenizer } from '../core/text/tiny-tokenizer.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';
import { writeTinyCheckpoint } from '../helpers/tiny-checkpoint.js';
import { never } from '../helpers/tiny-policy.js';

test('tokens of a run with a pretrained tokenizer are shown as their text', async () => {
  using folder = new TemporaryFolder();
  const path = join(folder.path, 'base');
  await writeTinyCheckpoint(path, { text: tinyFiles() });
  const tokenizer = tinyTokenizer();
  const shown = async (config: unknown) => (await tokenDecoder(config, never))(tokenizer.special('<|im_end|>'));
  expect(await shown({ model: { path }, tokenizer: null })).toBe('<|im_end|>');
  expect(await shown({ model: { path: null }, tokenizer: { name: 'huggingface', path } })).toBe('<|im_end|>');
  const decode = await tokenDecoder({ model: { path } }, never);
  const text = 'Hi there\n';
  expect(tokenizer.encode(text).map(decode).join('')).toBe('Hi there↵\n');
});

test('parts of a character and tokens that are not there are numbers', async () => {
  using folder = new TemporaryFolder();
  await writeTinyCheckpoint(folder.path);
  const decode = await tokenDecoder({ model: { path: folder.path } }, never);
  expect([65, 10, 0xc3, 0, 258, 9999].map(decode)).toEqual(['A', '↵\n', '⟨195⟩', '⟨0⟩', '<|im_end|>', '⟨9999⟩']);
});

test.each([
  ['bytes where the config names no tokenizer', {}, 'A'],
  ['bytes where it says so', { model: { path: 'gone' }, tokenizer: { name: 'byte' } }, 'A'],
  ['numbers where the tokenizer cannot be opened', { model: { path: '/no/such/model' } }, '⟨65⟩'],
  ['numbers where the config cannot be read', { model: 3 }, '⟨65⟩'],
])('tokens are %s', async (_name, config, shown) => {
  expect((await tokenDecoder(config, never))(65)).toBe(shown);
});
