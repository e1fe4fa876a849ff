import { expect, test } from 'vitest';
import { isSameName, nearest } from '../../core/spelling.js';

test.each([
  ['aritmetic', ['arithmetic', 'search'], 'arithmetic'],
  ['lr_schedular', ['lrScheduler', 'lr'], 'lrScheduler'],
  ['wsam', ['auto', 'wasm', 'cpu'], 'wasm'],
  ['CPUs', ['auto', 'cpu'], 'cpu'],
  ['gpu', ['cpu'], undefined],
  ['python', ['search', 'execute'], undefined],
  ['', ['a'], undefined],
  ['anything', [], undefined],
])('"%s" among %j means %s', (word, candidates, meant) => {
  expect(nearest(word, candidates)).toBe(meant);
});

test('snake, kebab and camel case are one name, other words are not', () => {
  expect(isSameName('clip_ratio_low', 'clipRatioLow')).toBe(true);
  expect(isSameName('clip-ratio-low', 'clipRatioLow')).toBe(true);
  expect(isSameName('clipRatio', 'clipRatioLow')).toBe(false);
});
