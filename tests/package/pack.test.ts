import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { TemporaryFolder } from '../helpers/temporary-folder.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const manifest = z
  .object({ version: z.string(), exports: z.record(z.string(), z.unknown()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
const subpaths = Object.keys(manifest.exports)
  .filter((name) => !name.endsWith('.json'))
  .map((name) => name.replace('.', 'verlet'));

/** Runs a program in a folder; rejects with both streams in the message when it fails. */
async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd, maxBuffer: 1e8 });
  return stdout;
}

describe('the packed package, installed with npm in an empty folder', () => {
  const folder = new TemporaryFolder();
  const user = join(folder.path, 'user');

  beforeAll(async () => {
    cpSync(join(root, 'tests/fixtures/package-user'), user, { recursive: true });
    folder.write({ 'user/package.json': JSON.stringify({ name: 'user', private: true, type: 'module' }) });
    await run(root, 'npm', 'pack', '--silent', '--pack-destination', folder.path);
    const tarball = join(folder.path, `verlet-${manifest.version}.tgz`);
    await run(user, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', tarball);
  }, 120_000);

  afterAll(() => folder[Symbol.dispose]());

  test('holds the build, examples, documents and licence, and neither tests nor sources', () => {
    const installed = join(user, 'node_modules/verlet');
    for (const name of ['dist/cli/main.js', 'examples', 'docs', 'README.md', 'LICENSE']) {
      expect(existsSync(join(installed, name)), name).toBe(true);
    }
    for (const name of ['tests', 'core', 'scripts', 'dist/.sources-hash']) {
      expect(existsSync(join(installed, name)), name).toBe(false);
    }
  });

  test('brings no optional backend along', () => {
    expect(existsSync(join(user, 'node_modules/@tensorflow/tfjs-core'))).toBe(true);
    expect(existsSync(join(user, 'node_modules/@tensorflow/tfjs-node'))).toBe(false);
  });

  test.each(subpaths)('%s can be imported in plain Node and exports something', async (name) => {
    const count = await run(
      user,
      'node',
      '-e',
      `import('${name}').then((all) => console.log(Object.keys(all).length))`,
    );
    expect(Number(count)).toBeGreaterThan(0);
  });

  test('types an environment and a tool of a user under strict and nodenext', async () => {
    await run(user, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', '.');
  });

  test('types the environments and tools that the README shows', async () => {
    const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n(.*?)```/gs)];
    const programs = blocks.map((match) => match[1]).filter((source) => /define(Env|Tool)\(/.test(source ?? ''));
    expect(programs.length).toBe(3);
    folder.write({ 'user/readme.ts': programs.join('\n') });
    folder.write({ 'user/readme.json': '{"extends":"./tsconfig.json","files":["readme.ts"]}' });
    await run(user, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', 'readme.json');
  });

  test('refuses a mistake in a user’s environment when it is compiled', async () => {
    const source = readFileSync(join(user, 'my-env.ts'), 'utf8').replace('2 * task.data.n', '2 * task.data.m');
    folder.write({ 'user/wrong.ts': source, 'user/wrong.json': '{"extends":"./tsconfig.json","files":["wrong.ts"]}' });
    const compiled = run(user, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', 'wrong.json');
    await expect(compiled).rejects.toMatchObject({ stdout: expect.stringContaining("'m' does not exist") });
  });

  test('trains two steps on the environment of a user', { timeout: 60_000 }, async () => {
    await run(user, 'npx', '--no-install', 'verlet', 'train', 'run.yaml', '--run-dir', 'out');
    const lines = readFileSync(join(user, 'out/metrics.jsonl'), 'utf8').trim().split('\n');
    const steps = lines.map((line) => z.object({ step: z.int() }).parse(JSON.parse(line)).step);
    expect(steps).toContain(2);
  });
});
