import { expect, test } from 'vitest';
import { ProgramSlots } from '../../sandbox/program-slots.js';
import { never } from './machine.js';

test('slots are handed on in the order of waiting', async () => {
  const slots = new ProgramSlots(1);
  const order: string[] = [];
  const held = await slots.acquire(never);
  const waiting = ['a', 'b'].map(async (name) => {
    using _slot = await slots.acquire(never);
    order.push(name);
  });
  expect(order).toEqual([]);
  held[Symbol.dispose]();
  await Promise.all(waiting);
  expect(order).toEqual(['a', 'b']);
});

test('giving a slot back twice frees one only', async () => {
  const slots = new ProgramSlots(1);
  const first = await slots.acquire(never);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  const controller = new AbortController();
  using _held = await slots.acquire(never);
  const second = slots.acquire(controller.signal);
  controller.abort('still taken');
  await expect(second).rejects.toBe('still taken');
});

test('one who leaves the queue does not cost a slot', async () => {
  const slots = new ProgramSlots(1);
  const controller = new AbortController();
  const held = await slots.acquire(never);
  const leaving = slots.acquire(controller.signal);
  controller.abort('left');
  await expect(leaving).rejects.toBe('left');
  held[Symbol.dispose]();
  using _again = await slots.acquire(never);
});
