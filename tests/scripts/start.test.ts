import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Checkout } from '../helpers/checkout.js';

const ECHO =
  'declare const process: any, console: any; console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7;';

const WAIT = `declare const process: any, console: any, setInterval: any;
setInterval(() => {}, 1000);
process.on('SIGTERM', () => process.exit(5));
console.log('ready');`;

test('arguments arrive unchanged after the example, stdout is the command’s alone and its exit code is kept', async () => {
  using checkout = new Checkout().withPackages().write({ 'cli/main.ts': ECHO });
  const { code, stdout } = await checkout.run('start.mjs', ['--json', '--seed', '3', 'a.b=[1, "x y"]']);
  const command = ['train', 'examples/arithmetic/arithmetic.yaml'];
  expect(JSON.parse(stdout)).toEqual([...command, '--json', '--seed', '3', 'a.b=[1, "x y"]']);
  expect(code).toBe(7);
});

test('a signal reaches the command, whose exit code is kept', async () => {
  using checkout = new Checkout().withPackages().write({ 'cli/main.ts': WAIT });
  const child = execFile(process.execPath, [join(checkout.path, 'scripts/start.mjs')]);
  await once(child.stdout!, 'data');
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([5, null]);
});
