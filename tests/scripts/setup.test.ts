import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Checkout } from '../helpers/checkout.js';

test('a fresh checkout is installed and built, and a second run does and says nothing', async () => {
  using checkout = new Checkout().withoutPackages();
  const first = await checkout.run('setup.mjs');
  expect(first).toMatchObject({ code: 0, stdout: '' });
  expect(first.stderr).toMatch(/installing the packages.*\n(.*\n)*setup: building dist\n$/);
  expect(existsSync(join(checkout.path, 'dist/core/a.js'))).toBe(true);
  expect(await checkout.run('setup.mjs')).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('a changed package-lock.json is installed again', async () => {
  using checkout = new Checkout().withoutPackages();
  await checkout.run('setup.mjs');
  const lock = join(checkout.path, 'package-lock.json');
  const newer = readFileSync(lock, 'utf8').replace('{"version":"1.0.0","dev":true}', '{"version":"2.0.0","dev":true}');
  const manifest = JSON.stringify({ name: 'typescript', version: '2.0.0' });
  checkout.write({ 'package-lock.json': newer, 'vendor/typescript/package.json': manifest });
  const again = await checkout.run('setup.mjs');
  expect(again.code).toBe(0);
  expect(again.stderr).toContain('installing the packages');
});

test('packages installed by hand that fit the lock are kept', async () => {
  using checkout = new Checkout().withPackages();
  const { code, stderr } = await checkout.run('setup.mjs');
  expect(code).toBe(0);
  expect(stderr).not.toContain('installing the packages');
});

test('two runs at once install and build once', async () => {
  using checkout = new Checkout().withoutPackages();
  const both = await Promise.all([checkout.run('setup.mjs'), checkout.run('setup.mjs')]);
  const said = both.map((ended) => ended.stderr).join('');
  expect(both.map((ended) => ended.code)).toEqual([0, 0]);
  expect(said.split('installing the packages').length - 1).toBe(1);
  expect(said.split('building dist').length - 1).toBe(1);
  expect(readdirSync(checkout.path).filter((name) => name.startsWith('.setup'))).toEqual([]);
});

test('a lock left by a process that died stops nobody', async () => {
  using checkout = new Checkout().withPackages();
  writeFileSync(join(checkout.path, '.setup.lock'), `${2 ** 22 + 1}\n`);
  expect((await checkout.run('setup.mjs')).code).toBe(0);
  expect(existsSync(join(checkout.path, '.setup.lock'))).toBe(false);
});

test('when npm fails, its last lines and the command are shown', async () => {
  using checkout = new Checkout().withoutPackages();
  checkout.write({
    'package.json': JSON.stringify({ name: 'project', version: '1.0.0', dependencies: { zod: '^4.0.0' } }),
  });
  const { code, stderr } = await checkout.run('setup.mjs', [], {
    env: {
      PATH: process.env.PATH,
      HOME: checkout.path,
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_fetch_retries: '0',
    },
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/error: `npm ci .*` ended with 1\. Its last lines:\n {2}npm error/);
  expect(stderr).not.toContain('at async');
});

test('a node_modules that is a link is never emptied', async () => {
  using checkout = new Checkout().withoutPackages();
  const elsewhere = join(checkout.path, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'precious'), '');
  symlinkSync(elsewhere, join(checkout.path, 'node_modules'));
  const { code, stderr } = await checkout.run('setup.mjs');
  expect(code).toBe(1);
  expect(stderr).toContain('is a link and does not fit package-lock.json');
  expect(readdirSync(elsewhere)).toEqual(['precious']);
});

test('an installation that was cut short is done again', async () => {
  using checkout = new Checkout().withoutPackages();
  await checkout.run('setup.mjs');
  renameSync(join(checkout.path, 'node_modules/typescript'), join(checkout.path, 'node_modules/gone'));
  renameSync(join(checkout.path, 'node_modules/.verlet-packages'), join(checkout.path, 'stamp'));
  expect((await checkout.run('setup.mjs')).stderr).toContain('installing the packages');
});

test.each(['18.20.4', '20.18.3', '21.7.3', '22.11.0'])(
  'Node %s is refused in one sentence before any work',
  async (node) => {
    using checkout = new Checkout().withoutPackages();
    const pretend = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'${node}'}})`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(pretend)}`;
    const { code, stderr } = await checkout.run('setup.mjs', [], { env: { PATH: process.env.PATH, NODE_OPTIONS } });
    expect(code).toBe(1);
    expect(stderr).toBe(`error: verlet needs Node 20.19 or newer of line 20, or 22.12 or newer; this is ${node}.\n`);
    expect(existsSync(join(checkout.path, 'node_modules'))).toBe(false);
  },
);
