import { describe, expect, test } from 'vitest';
import type { WeightedSequence } from '../../core/batch.js';
import { microBatches } from '../../core/micro-batches.js';
import { Rng } from '../../core/rng.js';

describe('micro-batches', () => {
  test('are as few as hold the tokens, and of about equal length', () => {
    expect(split([5, 1, 4, 2, 3, 3], 9)).toEqual([
      [5, 1, 3],
      [4, 2, 3],
    ]);
  });

  test('are one where all fit, in the order given', () => {
    expect(split([3, 9, 1], 13)).toEqual([[3, 9, 1]]);
  });

  test('are one more where the fewest would not hold whole sequences', () => {
    expect(split([6, 6, 6], 10)).toEqual([[6], [6], [6]]);
  });

  test('leave a sequence alone that is longer than they may be', () => {
    expect(split([2, 30, 3, 40, 5], 10)).toEqual([[40], [30], [2, 3, 5]]);
  });

  test('are none for no sequences', () => {
    expect(split([], 10)).toEqual([]);
  });

  test('hold every sequence once and never more tokens than they may', () => {
    const rng = new Rng(1);
    for (let round = 0; round < 20; round++) {
      const lengths = Array.from({ length: 1 + rng.int(60) }, () => 1 + rng.int(80));
      const passes = split(lengths, 100);
      expect(passes.flat().sort()).toEqual([...lengths].sort());
      for (const pass of passes) expect(sum(pass)).toBeLessThanOrEqual(100);
      expect(passes.length).toBeLessThanOrEqual(Math.ceil(sum(lengths) / 50));
    }
  });
});

/** The computed lengths of the sequences in each pass. */
function split(lengths: readonly number[], maxTokens: number): number[][] {
  const passes = microBatches(lengths.map(ofLength), maxTokens);
  return passes.map((pass) => pass.map(({ sequence }) => sequence.tokens.length - 1));
}

function ofLength(length: number): WeightedSequence {
  const tokens = Array<number>(length + 1).fill(0);
  const mask = tokens.map((_, t) => (t === length ? 1 : 0));
  return { sequence: { tokens, mask, logprobs: tokens, advantages: tokens }, weight: 1 };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
