import { expect, test } from 'vitest';
import { z } from 'zod';
import { Side } from '../../bench/side.js';

const never = new AbortController().signal;
const echo = `for await (const line of require('readline').createInterface({ input: process.stdin })) {
  const { say, fail, die } = JSON.parse(line);
  if (die) { console.error('last words'); process.exit(3); }
  if (!fail && !say) continue;
  console.log(JSON.stringify(fail ? { error: fail } : { answer: say }));
}`;

function openEcho(): Side {
  return new Side('echo', [process.execPath, '-e', `(async () => {${echo}})()`], {});
}

test('a side answers one request after the other and has used memory', async () => {
  await using side = openEcho();
  expect(await side.ask({ say: 'one' }, z.string(), never)).toBe('one');
  expect(await side.ask({ say: 'two' }, z.string(), never)).toBe('two');
  if (process.platform === 'linux') expect(side.peakMemoryBytes).toBeGreaterThan(1e6);
});

test('what a side says went wrong is thrown with its name, and it can be asked again', async () => {
  await using side = openEcho();
  await expect(side.ask({ fail: 'no such shape' }, z.string(), never)).rejects.toThrow('echo: no such shape');
  expect(await side.ask({ say: 'still here' }, z.string(), never)).toBe('still here');
});

test('a side that dies is reported with its last words', async () => {
  await using side = openEcho();
  await expect(side.ask({ die: true }, z.string(), never)).rejects.toThrow(/echo has ended; .*\nlast words/);
  expect(side.peakMemoryBytes).toBe(null);
});

test('a program that does not exist is reported, not waited for', async () => {
  await using side = new Side('nobody', ['/nowhere/at/all'], {});
  await expect(side.ask({}, z.string(), never)).rejects.toThrow(/nobody has ended; .*\n.*ENOENT/);
});

test('an abort while a side is busy ends it and throws the reason', async () => {
  await using side = openEcho();
  expect(await side.ask({ say: 'ready' }, z.string(), never)).toBe('ready');
  const controller = new AbortController();
  const asking = side.ask({}, z.string(), controller.signal);
  controller.abort(new Error('enough'));
  await expect(asking).rejects.toThrow('enough');
});
