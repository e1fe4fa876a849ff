import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findViolations } from './helpers/architecture-rules.js';
import { findDependencyViolations, packageManifest } from './helpers/dependency-rules.js';
import { readSourceFiles } from './helpers/source-files.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const files = readSourceFiles(root);

test('every room imports only itself and rooms to its left, and every file keeps the house rules', () => {
  expect(files.length).toBeGreaterThan(10);
  expect(findViolations(files)).toEqual([]);
});

test('package.json lists exactly the packages that are imported', () => {
  const manifest = packageManifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  expect(findDependencyViolations(files, manifest)).toEqual([]);
});
