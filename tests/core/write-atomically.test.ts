import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeAtomically } from '../../core/write-atomically.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'verlet-atomic-'));
});
afterEach(() => rm(root, { recursive: true }));

test('the file is written with its directory, and written over', async () => {
  const path = join(root, 'deep', 'file');
  await writeAtomically(path, 'old');
  await writeAtomically(path, 'new');
  expect(await readFile(path, 'utf8')).toBe('new');
});

test('where it cannot be written the temporary file is gone and the old stays', async () => {
  await mkdir(join(root, 'taken', 'inner'), { recursive: true });
  await expect(writeAtomically(join(root, 'taken'), 'text')).rejects.toThrow();
  expect(await readdir(root)).toEqual(['taken']);
});
