import { expect, test } from 'vitest';
import { findDependencyViolations, packageManifest } from './dependency-rules.js';
import { readSourceFiles } from './source-files.js';
import { TemporaryFolder } from './temporary-folder.js';

function violationsOf(manifest: object, files: { readonly [path: string]: string }): readonly string[] {
  using folder = new TemporaryFolder();
  const sources = readSourceFiles(folder.write(files).path);
  return findDependencyViolations(sources, packageManifest.parse({ name: 'verlet', ...manifest }));
}

test('listed imports, builtins, deep paths and the own name are fine', () => {
  const manifest = {
    dependencies: { zod: '4' },
    devDependencies: { vitest: '4', '@biomejs/biome': '2' },
    scripts: { check: 'biome check .' },
  };
  const files = {
    'core/a.ts': "import fs from 'node:fs'; import { z } from 'zod/v4'; export { fs, z };",
    'examples/b.ts': "import { x } from 'verlet/envs'; export { x };",
    'tests/a.test.ts': "import { test } from 'vitest'; test('', () => {});",
  };
  expect(violationsOf(manifest, files)).toEqual([]);
});

test('an import that is not listed is found', () => {
  const found = violationsOf({}, { 'core/a.ts': "import { b } from '@scope/b/deep.js'; export { b };" });
  expect(found).toEqual(['core/a.ts imports @scope/b/deep.js, which package.json does not list for it']);
});

test('product code may not import a development package', () => {
  const found = violationsOf({ devDependencies: { vitest: '4' } }, { 'core/a.ts': "export { test } from 'vitest';" });
  expect(found).toEqual(['core/a.ts imports vitest, which package.json does not list for it']);
});

test('a listed package that only tests import is no dependency of the product', () => {
  const found = violationsOf({ dependencies: { zod: '4' } }, { 'tests/a.test.ts': "export { z } from 'zod';" });
  expect(found).toEqual(['package.json lists zod, which nothing imports']);
});

test('optional peers need not be imported, and may be', () => {
  const manifest = { peerDependencies: { '@tensorflow/tfjs-node': '4', '@tensorflow/tfjs-node-gpu': '4' } };
  expect(violationsOf(manifest, { 'core/a.ts': "export const load = () => import('@tensorflow/tfjs-node');" })).toEqual(
    [],
  );
});
