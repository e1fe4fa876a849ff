import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Builtins, builtins } from '../../cli/builtins.js';
import { loadModules, type Registered } from '../../cli/load-modules.js';
import { ConfigError, InfrastructureError } from '../../core/errors.js';
import { echoTool, runCli, sumEnv } from '../helpers/cli.js';

/** What stands for the package's own exports: a class by which instances can be told apart, and what users call. */
const core = { ConfigError, InfrastructureError };
const own: Builtins = {
  envs: [sumEnv],
  tools: [echoTool],
  packages: { ...builtins.packages, 'verlet/core': async () => core },
};

const env = (name: string): string => `{
  kind: 'env', name: '${name}', description: '', options: z.strictObject({ hard: z.boolean().default(false) }), defaultTools: [],
  task: (_options, split, index) => ({ id: split + index, dataSource: '${name}', data: {} }),
  create: () => { throw new ConfigError('made by the same class'); },
}`;
const head = `import { z } from 'zod';\nimport { ConfigError } from 'verlet/core';\n`;

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'verlet-modules-'));
});
afterEach(() => rm(root, { recursive: true }));

describe('what a module imports', () => {
  test('from the package is the running program’s own instance, also where the package is installed beside it', async () => {
    await mkdir(join(root, 'node_modules'));
    await symlink(process.cwd(), join(root, 'node_modules', 'verlet'));
    const { envs } = await load({ 'mine.ts': `${head}export const mine: object = ${env('mine')};` });
    const mine = envs.find(({ name }) => name === 'mine');
    expect(() => mine?.create({}, [])).toThrow(ConfigError);
  });

  test('through a second module is the same instance too', async () => {
    const { envs } = await load({
      'mine.ts': `import { other } from './parts/other.ts';\nexport const mine = { ...other, name: 'mine' };`,
      'parts/other.ts': `${head}export const other = ${env('other')};`,
    });
    expect(() => envs.at(-1)?.create({}, [])).toThrow(ConfigError);
  });
});

describe('what a module exports', () => {
  test('TypeScript and JavaScript, single values and lists, environments and tools are collected', async () => {
    const tool = `{ kind: 'tool', name: 'shout', description: '', input: z.string(), timeoutMs: 1, execute: async () => ({ content: '' }) }`;
    const { envs, tools } = await load({
      'a.ts': `${head}type Unused = number;\nexport const helper: Unused = 3;\nexport const list = [${env('one')}, ${env('two')}];`,
      'b.mjs': `${head}export const shout = ${tool};`,
    });
    expect(envs.map(({ name }) => name)).toEqual(['sum', 'one', 'two']);
    expect(tools.map(({ name }) => name)).toEqual(['echo', 'shout']);
  });

  test.each([
    [
      'a built-in name',
      { 'a.ts': `${head}export const a = ${env('sum')};` },
      './a.ts exports "sum", which is built in',
    ],
    [
      'a name twice',
      { 'a.ts': `${head}export const a = ${env('x')};`, 'b.ts': `${head}export const b = ${env('x')};` },
      './b.ts exports "x", which is also exported by ./a.ts',
    ],
    ['nothing of use', { 'a.ts': 'export const x = 1;' }, './a.ts exports no environment and no tool'],
    ['a syntax error', { 'a.ts': 'export const = ;' }, 'cannot load ./a.ts: '],
    ['a throw', { 'a.ts': `throw new RangeError('too far');` }, 'cannot load ./a.ts: RangeError: too far'],
    ['an import of nothing', { 'a.ts': `import 'nowhere-to-be-found';` }, 'cannot load ./a.ts: '],
  ])('%s is refused, naming the file', async (_claim, files, sentence) => {
    await expect(load(files)).rejects.toThrow(sentence);
    await expect(load(files)).rejects.toThrow(ConfigError);
  });

  test('a module that is not there is named with its place', async () => {
    const place = join(root, 'gone.ts');
    await expect(loadModules(['./gone.ts'], join(root, 'run.yaml'), own)).rejects.toThrow(
      `no module ./gone.ts: ${place} does not exist`,
    );
  });
});

test('a run uses the imported environment, and is resumed with it from the run directory', async () => {
  await writeFile(join(root, 'mine.ts'), `${head}export const mine = ${env('mine')};`);
  await writeFile(join(root, 'run.yaml'), 'imports: [./mine.ts]\nenv: { name: mine, hard: true }\n');
  const runDir = join(root, 'run');
  const first = await runCli(['train', join(root, 'run.yaml'), '--run-dir', runDir], { builtins: own });
  const second = await runCli(['train', '--resume', runDir], { builtins: own });
  expect([first, second].map(({ exitCode, stderr }) => ({ exitCode, error: /error:.*/.exec(stderr)?.[0] }))).toEqual([
    { exitCode: 0 },
    { exitCode: 0 },
  ]);
});

test('an option of an imported environment is checked by its own schema', async () => {
  await writeFile(join(root, 'mine.ts'), `${head}export const mine = ${env('mine')};`);
  await writeFile(join(root, 'run.yaml'), 'imports: [./mine.ts]\nenv: { name: mine, hrad: true }\n');
  const { exitCode, stderr } = await runCli(['train', join(root, 'run.yaml')], { builtins: own });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('unknown key env.hrad; did you mean env.hard?');
});

async function load(files: { readonly [path: string]: string }): Promise<Registered> {
  await mkdir(join(root, 'parts'), { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(root, path), text);
  const imports = Object.keys(files).filter((path) => !path.startsWith('parts/'));
  return loadModules(
    imports.map((path) => `./${path}`),
    join(root, 'run.yaml'),
    own,
  );
}
