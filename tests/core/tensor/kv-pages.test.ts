import { describe, expect, test } from 'vitest';
import { KvPages } from '../../../core/tensor/kv-pages.js';

const shape = { numHiddenLayers: 2, numKeyValueHeads: 3, headDim: 4 };

describe('KvPages', () => {
  test('adds a slab of pages to every layer when none is free, each page once', () => {
    const pages = new KvPages(shape, 2);
    expect([pages.alloc(), pages.alloc(), pages.alloc()].sort()).toEqual([0, 1, 2]);
    expect(pages.keys.map((slabs) => slabs.map(({ length }) => length))).toEqual(
      Array(2).fill(Array(2).fill(2 * 3 * 4 * 64)),
    );
    expect(pages.values.map((slabs) => slabs.length)).toEqual([2, 2]);
    expect(pages.used).toBe(3);
  });

  test('hands out again what was given back before it grows', () => {
    const pages = new KvPages(shape, 2);
    const page = pages.alloc();
    pages.free(page);
    expect(pages.used).toBe(0);
    expect([pages.alloc(), pages.alloc()].sort()).toEqual([0, 1]);
    expect(pages.keys[0]).toHaveLength(1);
  });

  test('refuses a page that is nobody’s', () => {
    const pages = new KvPages(shape);
    const page = pages.alloc();
    pages.free(page);
    expect(() => pages.free(page)).toThrow(`page ${page} is not in use`);
  });
});
