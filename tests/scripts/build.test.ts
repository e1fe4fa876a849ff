import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Checkout } from '../helpers/checkout.js';

test('sources that did not change are not built again', async () => {
  using checkout = new Checkout().withPackages();
  await checkout.run('build.mjs');
  const before = statSync(join(checkout.path, 'dist')).ino;
  expect(await checkout.run('build.mjs')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(statSync(join(checkout.path, 'dist')).ino).toBe(before);
});

test('a changed source is built again and what belonged to a deleted one is gone', async () => {
  using checkout = new Checkout().withPackages().write({ 'core/old.ts': 'export {};' });
  await checkout.run('build.mjs');
  checkout.write({ 'core/a.ts': 'export const a = 2;' });
  rmSync(join(checkout.path, 'core/old.ts'));
  await checkout.run('build.mjs');
  expect(readFileSync(join(checkout.path, 'dist/core/a.js'), 'utf8')).toContain('a = 2');
  expect(existsSync(join(checkout.path, 'dist/core/old.js'))).toBe(false);
});

test('a type error shows the words of the compiler and leaves the old build', async () => {
  using checkout = new Checkout().withPackages();
  await checkout.run('build.mjs');
  checkout.write({ 'core/a.ts': 'export const a: number = "one";' });
  const { code, stderr } = await checkout.run('build.mjs');
  expect(code).toBe(1);
  expect(stderr).toMatch(/error: `node .*tsc .*` ended with .*\n.*core\/a\.ts\(1,14\): error TS2322/);
  expect(readFileSync(join(checkout.path, 'dist/core/a.js'), 'utf8')).toContain('a = 1');
});

test('the command is executable and files that are not TypeScript come along', async () => {
  using checkout = new Checkout().withPackages().write({ 'cli/main.ts': 'export {};', 'core/data/table.json': '{}' });
  await checkout.run('build.mjs');
  expect(statSync(join(checkout.path, 'dist/cli/main.js')).mode & 0o111).toBe(0o111);
  expect(readFileSync(join(checkout.path, 'dist/core/data/table.json'), 'utf8')).toBe('{}');
});

test('the gradients of tfjs load in plain Node, also before the library itself', async () => {
  using checkout = new Checkout().withPackages().write({
    'core/tensor/tfjs-gradients.ts': "import '@tensorflow/tfjs-core/dist/register_all_gradients.js';",
    'scripts/probe.mjs':
      "import '../dist/core/tensor/tfjs-gradients.js'; import { getGradient } from '@tensorflow/tfjs-core'; console.log(typeof getGradient('Sum').gradFunc);",
  });
  expect((await checkout.run('build.mjs')).code).toBe(0);
  expect(await checkout.run('probe.mjs')).toEqual({ code: 0, stdout: 'function\n', stderr: '' });
});
