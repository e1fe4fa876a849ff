import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

test('the program in the README is the one that the package test trains', () => {
  expect(read('README.md')).toContain(`\`\`\`ts\n${read('tests/fixtures/package-user/my-env.ts')}\`\`\``);
});

test.each(documents)('every file that %s links to exists', (document) => {
  const links = [...read(document).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
  const broken = links.filter((link) => !existsSync(join(root, dirname(document), link)));
  expect(broken).toEqual([]);
});

test('every npm command in the README exists', () => {
  const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));
  const named = [...read('README.md').matchAll(/npm (?:run )?(\w+)/gm)];
  const unknown = named.map((match) => match[1] ?? '').filter((name) => name !== 'install' && !(name in scripts));
  expect(unknown).toEqual([]);
});
