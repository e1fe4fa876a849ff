import { describe, expect, it } from 'vitest';
import { rlRowOf } from '../../../core/data/rl-rows.js';
import { dropOverlong, limitSamples, permutation } from '../../../core/data/select-rows.js';

const numbers = Array.from({ length: 100 }, (_, i) => i);

describe('at most so many rows', () => {
  const first = { maxSamples: 5, shuffle: false, seed: 1 };

  it('are the first, in order, where rows are not shuffled', () => {
    expect(limitSamples(numbers, first)).toEqual([0, 1, 2, 3, 4]);
  });

  it('are drawn by the seed where they are, each once and in order', () => {
    const drawn = limitSamples(numbers, { ...first, maxSamples: 40, shuffle: true });
    expect(drawn).toEqual([...new Set(drawn)].sort((a, b) => a - b));
    expect(drawn).toHaveLength(40);
    expect(limitSamples(numbers, { ...first, maxSamples: 40, shuffle: true })).toEqual(drawn);
    expect(limitSamples(numbers, { maxSamples: 40, shuffle: true, seed: 2 })).not.toEqual(drawn);
  });

  it('are all where there are no more, or no limit', () => {
    for (const maxSamples of [null, 100, 101]) {
      expect(limitSamples(numbers, { maxSamples, shuffle: true, seed: 1 })).toEqual(numbers);
    }
  });
});

describe('a permutation', () => {
  it('has everything once and depends on its key alone', () => {
    expect([...permutation(100, 7)].sort((a, b) => a - b)).toEqual(numbers);
    expect(permutation(100, 7)).toEqual(permutation(100, 7));
    expect(permutation(100, 7)).not.toEqual(permutation(100, 8));
    expect([permutation(0, 1), permutation(1, 1)]).toEqual([new Uint32Array(), new Uint32Array(1)]);
  });

  it('puts each thing first about equally often', () => {
    const counts = [0, 0, 0];
    for (let key = 0; key < 3000; key++) counts[permutation(3, key)[0] ?? 0]!++;
    expect(Math.min(...counts)).toBeGreaterThan(900);
  });
});

describe('prompts that are too long', () => {
  const rows = ['a', 'bbbb', 'cc', '!'].map((content, i) =>
    rlRowOf({
      file: 'f',
      number: i + 1,
      row: { data_source: 'exact', prompt: [{ role: 'user', content }], reward_model: { ground_truth: '1' } },
    }),
  );
  const countTokens = ({ prompt }: { prompt: readonly { content: string }[] }): number => {
    const text = prompt[0]?.content ?? '';
    if (text === '!') throw new Error('the template refuses it');
    return text.length;
  };

  it('and those that cannot be rendered are left out and counted', () => {
    const { rows: kept, remark } = dropOverlong(rows, { maxPromptLength: 2, countTokens });
    expect(kept.map(({ number }) => number)).toEqual([1, 3]);
    expect(remark).toBe('left out 2 of 4 rows: 1 with a prompt of more than 2 tokens, 1 that could not be rendered');
  });

  it('are not spoken of where there are none', () => {
    const short = rows.slice(0, 3);
    expect(dropOverlong(short, { maxPromptLength: 4, countTokens })).toEqual({ rows: short, remark: undefined });
  });
});
