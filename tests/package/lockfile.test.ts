import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const names = z.record(z.string(), z.string()).default({});
const lockfile = z.object({
  packages: z.record(z.string(), z.object({ version: z.string().optional(), optionalDependencies: names })),
});

const { packages } = lockfile.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));

/** Where Node would look for a package that is needed at a place: beside it, then further up. */
function lookupPaths(place: string, name: string): string[] {
  const folders = place.split('/node_modules/');
  const above = folders.map((_, depth) => [...folders.slice(0, folders.length - depth), name].join('/node_modules/'));
  return [...above, `node_modules/${name}`];
}

test('the lock names the packages of every platform, without which npm ci refuses it', () => {
  const missing = Object.entries(packages).flatMap(([place, { optionalDependencies }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !lookupPaths(place, name).some((path) => packages[path]?.version !== undefined))
      .map((name) => `${place} needs ${name}`),
  );
  expect(missing).toEqual([]);
});

test('the optional backends are not installed', () => {
  const places = Object.keys(packages).filter((place) => place.includes('@tensorflow/tfjs-node'));
  expect(places).toEqual([]);
});
