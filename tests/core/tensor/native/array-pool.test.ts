import { expect, test } from 'vitest';
import { ArrayPool } from '../../../../core/tensor/native/array-pool.js';

function taken(pool: ArrayPool, length: number): Float32Array {
  const values = pool.take(length);
  pool.retain(values);
  return values;
}

test('memory is handed out again once no tensor lies in it', () => {
  const pool = new ArrayPool();
  const first = taken(pool, 1000);
  const part = first.subarray(10);
  pool.retain(part);
  pool.release(first);
  expect(taken(pool, 1000).buffer).not.toBe(first.buffer);
  pool.release(part);
  expect(taken(pool, 990).buffer).toBe(first.buffer);
});

test("a user's array is never handed out, and counts while it is used", () => {
  const pool = new ArrayPool();
  const own = new Float32Array(1000);
  pool.retain(own);
  expect([pool.isOwn(own), pool.memory.allocated]).toEqual([false, 4000]);
  pool.release(own);
  pool.release(own);
  expect(pool.memory).toMatchObject({ allocated: 0, reserved: 0, peakAllocated: 4000 });
  expect(taken(pool, 1000).buffer).not.toBe(own.buffer);
});

test('lengths that vary share memory, and what is idle stays below a quarter of the most ever used', () => {
  const pool = new ArrayPool();
  for (let round = 0; round < 50; round++) {
    const arrays = [1, 2, 3].map((i) => taken(pool, 10_000 * i + 997 * ((round * 7) % 13)));
    for (const values of arrays) pool.release(values);
  }
  expect(pool.memory.allocated).toBe(0);
  expect(pool.memory.reserved).toBeLessThanOrEqual(1.25 * pool.memory.peakAllocated);
});

test('a smaller peak later does not drop what a larger one left', () => {
  const pool = new ArrayPool();
  const large = [1, 2, 3, 4].map(() => taken(pool, 100_000));
  for (const values of large) pool.release(values);
  const { reserved } = pool.memory;
  pool.release(taken(pool, 300));
  expect(pool.memory.reserved).toBeGreaterThanOrEqual(reserved);
});

test('a poisoned array holds NaN, however small', () => {
  const pool = new ArrayPool({ isPoisoned: true });
  const first = taken(pool, 1000).fill(1);
  pool.release(first);
  expect([...taken(pool, 1000), ...taken(pool, 3)].every(Number.isNaN)).toBe(true);
});
