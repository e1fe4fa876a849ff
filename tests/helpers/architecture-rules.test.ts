import { expect, test } from 'vitest';
import { findViolations } from './architecture-rules.js';
import { readSourceFiles } from './source-files.js';
import { TemporaryFolder } from './temporary-folder.js';

function violationsOf(files: { readonly [path: string]: string }): readonly string[] {
  using folder = new TemporaryFolder();
  return findViolations(readSourceFiles(folder.write(files).path));
}

test('imports to the left and inside a room are allowed', () => {
  const files = {
    'core/types.ts': 'export const a = 1;',
    'core/train.ts': "import { a } from './types.js'; export const b = a;",
    'rollout/collect.ts': "import type { a } from '../core/types.js'; export type A = typeof a;",
    'examples/hello/env.ts':
      "import { a } from '../../core/types.js'; import { b } from 'verlet/envs'; export const c = a + b;",
  };
  expect(violationsOf(files)).toEqual([]);
});

test.each([
  ['a value', "import { a } from '../rollout/a.js'; export const b = a;"],
  ['a type', "import type { a } from '../rollout/a.js'; export type B = typeof a;"],
  ['a re-export', "export { a } from '../rollout/a.js';"],
  ['an import() expression', "export const load = () => import('../rollout/a.js');"],
  ['an import() type', "export type B = import('../rollout/a.js').A;"],
  ['the own package name', "import { a } from 'verlet/rollout'; export const b = a;"],
])('an import to the right is found when it is %s', (_form, source) => {
  const found = violationsOf({ 'rollout/a.ts': 'export const a = 1;', 'core/b.ts': source });
  expect(found[0]).toMatch(/^core\/b\.ts imports .*: core may import itself$/);
});

test('examples and cli do not import each other', () => {
  const found = violationsOf({
    'cli/main.ts': 'export const a = 1;',
    'examples/x.ts': "export { a } from '../cli/main.js';",
  });
  expect(found).toEqual([expect.stringContaining('examples/x.ts imports ../cli/main.js')]);
});

test('only core may import the tensor library', () => {
  const source = "import type { Tensor } from '@tensorflow/tfjs-core'; export type T = Tensor;";
  expect(violationsOf({ 'core/a.ts': source, 'tests/a.test.ts': source })).toEqual([]);
  expect(violationsOf({ 'rollout/a.ts': source })).toEqual([expect.stringContaining('only core knows')]);
});

test('product code does not go through public files', () => {
  const found = violationsOf({
    'tools/public.ts': 'export const a = 1;',
    'envs/b.ts': "export { a } from '../tools/public.js';",
  });
  expect(found).toEqual(['envs/b.ts imports ../tools/public.js: import the file that is meant']);
});

test('a cycle is found once, type-only imports included', () => {
  const found = violationsOf({
    'core/a.ts': "import type { C } from './c.js'; export type A = C;",
    'core/b.ts': "import type { A } from './a.js'; export type B = A;",
    'core/c.ts': "import type { B } from './b.js'; export type C = B;",
  });
  expect(found).toEqual(['import cycle: core/a.ts -> core/c.ts -> core/b.ts -> core/a.ts']);
});

test.each([
  ['export default 1;'],
  ['export default function f() {}'],
  ['export default class {}'],
  ['const a = 1; export { a as default };'],
])('a default export is found: %s', (source) => {
  expect(violationsOf({ 'core/a.ts': source })).toEqual(['core/a.ts has a default export']);
});

test('a config file and a switch may say default', () => {
  const choice = 'export function f(a: number) { switch (a) { default: return a; } }';
  expect(violationsOf({ 'vitest.config.ts': 'export default {};', 'core/a.ts': choice })).toEqual([]);
});

test('index files, long files and mocks are found; fixtures are not looked at', () => {
  const found = violationsOf({
    'core/index.ts': 'export const a = 1;',
    'core/long.ts': 'export {};\n'.repeat(401),
    'tests/a.test.ts': "import { vi } from 'vitest'; vi.spyOn(console, 'log');",
    'tests/fixtures/b.ts': 'export default 1;',
  });
  expect(found).toEqual([
    'core/index.ts: no index files',
    'core/long.ts has 401 lines, more than 400',
    'tests/a.test.ts mocks: use a fake',
  ]);
});
